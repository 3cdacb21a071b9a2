// TLS of the server: 1.2 and newer, certificates from PEM files.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/base/result.h"
#include "daemon/base/time.h"

namespace boost::asio::ssl {
class context;
}

namespace kasetsu::http {

// client_ca_file empty: clients need no certificate; else one that it signed. bad_data names the
// file.
Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(
    const std::string& certificate_file, const std::string& key_file,
    const std::string& client_ca_file);

// What a client will say against the certificate at this time: expired, not valid yet, or about to
// expire (within two weeks). Empty: nothing.
std::string certificate_warning(boost::asio::ssl::context& context, Time now);

// Until when clients take the certificate; nothing where there is none.
std::optional<Time> certificate_end(boost::asio::ssl::context& context);

}  // namespace kasetsu::http
