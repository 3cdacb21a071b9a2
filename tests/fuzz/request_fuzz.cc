// The head of a request, its target, and the choice of a route.
#include "daemon/base/asio.h"
#include "daemon/http/framing.h"

#include "daemon/http/router.h"
#include "tests/fuzz/fuzz.h"

using namespace kasetsu;
namespace asio = boost::asio;

namespace {

http::Router some_routes() {
  const http::Handler nothing = [](http::Request&) -> asio::awaitable<http::Response> {
    co_return http::Response{};
  };
  http::Router router;
  for (const char* pattern : {"/v1/campaigns", "/v1/campaigns/{name}", "/v1/campaigns/{name}:pause",
                              "/v1/campaigns/{name}/results", "/v1/proposals/{id}:claim"}) {
    router.add({"GET", pattern, http::Scope::read, nothing, {}, false});
    router.add({"POST", pattern, http::Scope::results, nothing, {"application/json"}, true});
  }
  return router;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const http::Router router = some_routes();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  // Found in pieces as in one, whatever the pieces are.
  std::size_t seen = 0;
  auto found = http::find_head(bytes, seen);
  std::size_t seen_by_piece = 0;
  std::variant<std::size_t, http::FramingError> by_piece = std::size_t{0};
  for (std::size_t length = 1; length <= bytes.size(); length += 1 + length % 7) {
    by_piece = http::find_head(bytes.substr(0, length), seen_by_piece);
    if (by_piece.index() == 1 || std::get<0>(by_piece) > 0) break;
  }
  if (by_piece.index() == 0 && std::get<0>(by_piece) > 0) {
    KASETSU_ASSERT(found.index() == 0 && std::get<0>(found) == std::get<0>(by_piece));
  }
  if (found.index() == 1) {
    KASETSU_ASSERT(std::get<1>(found).status >= 400 && !std::get<1>(found).detail.empty());
    return 0;
  }
  const std::size_t length = std::get<0>(found);
  KASETSU_ASSERT(length <= bytes.size());
  if (length == 0) return 0;
  const std::string_view block = bytes.substr(0, length);
  KASETSU_ASSERT(block.ends_with("\r\n\r\n"));
  const auto read = http::read_head(block, 64);
  if (read.index() == 1) {
    KASETSU_ASSERT(std::get<1>(read).status >= 400 && !std::get<1>(read).detail.empty());
    return 0;
  }
  const http::Head& head = std::get<0>(read);
  KASETSU_ASSERT(!(head.chunked && head.content_length));
  if (const auto target = http::parse_target(head.target); target.ok()) {
    KASETSU_ASSERT(target.value().path.starts_with('/'));
    const auto match = router.find(head.method, target.value().path);
    KASETSU_ASSERT(match.index() == 0 || std::get<1>(match).status >= 404);
  } else {
    fuzz::expect_told(target.error());
  }
  return 0;
}
