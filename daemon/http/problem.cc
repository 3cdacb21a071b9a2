#include "daemon/http/problem.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace kasetsu::http {
namespace {

using nlohmann::json;

Response document(int status, std::string_view code, std::string_view detail, json errors) {
  json body = {{"type", fmt::format("urn:kasetsu:problem:{}", code)},
               {"title", reason_phrase(status)},
               {"status", status},
               {"detail", detail},
               {"code", code}};
  if (!errors.empty()) body["errors"] = std::move(errors);
  Response response;
  response.status = status;
  response.content_type = "application/problem+json";
  // Bytes that an instrument sent may be no UTF-8: replaced, never thrown.
  response.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  if (status == 503 || status == 429) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::bad_data:
      return 400;
    case ErrorCode::not_found:
      return 404;
    case ErrorCode::conflict:
    case ErrorCode::cancelled:
      return 409;
    case ErrorCode::unprocessable:
      return 422;
    case ErrorCode::busy:
    case ErrorCode::storage_failed:
    case ErrorCode::unavailable:
      return 503;
    case ErrorCode::storage_full:
      return 507;
    case ErrorCode::internal:
      return 500;
  }
  return 500;
}

Response problem(const Error& error) {
  const int status = status_of(error.code);
  if (error.code == ErrorCode::internal) {
    return document(status, "internal", "the daemon failed; its log says more", json::array());
  }
  json errors = json::array();
  if (!error.where.empty() || !error.value.empty()) {
    json item = {{"detail", error.message}};
    if (!error.where.empty()) item[error.where.front() == '/' ? "pointer" : "where"] = error.where;
    if (!error.value.empty()) item["value"] = error.value.substr(0, 200);
    if (!error.expected.empty()) item["expected"] = error.expected;
    errors.push_back(std::move(item));
  }
  return document(status, to_string(error.code), error.to_string(), std::move(errors));
}

Response problem(int status, std::string_view code, std::string_view detail) {
  return document(status, code, detail, json::array());
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 207:
      return "Multi-Status";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

}  // namespace kasetsu::http
