// Errors as RFC 9457 problem documents, and the one place where reasons become HTTP status numbers.
#pragma once

#include <string>
#include <string_view>

#include "core/base/result.h"
#include "daemon/http/message.h"

namespace kasetsu::http {

// bad_data, invalid_argument 400; not_found 404; conflict 409; unprocessable 422; busy 503
// (Retry-After); cancelled 409; storage_full 507; storage_failed, unavailable 503; internal 500.
int status_of(ErrorCode code);

// {"type","title","status","detail","code"} and, where the error names a place,
// "errors":[{"pointer", "detail","value","expected"}]. An internal error keeps its words to the
// log.
Response problem(const Error& error);

// A refusal by the transport itself, before any use case. code: stable word for programs.
Response problem(int status, std::string_view code, std::string_view detail);

std::string_view reason_phrase(int status);

}  // namespace kasetsu::http
