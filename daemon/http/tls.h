// TLS of the server: 1.2 and newer, certificates from PEM files.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.h"

namespace boost::asio::ssl {
class context;
}

namespace kasetsu::http {

// client_ca_file empty: clients need no certificate; else one that it signed. bad_data names the
// file.
Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(
    const std::string& certificate_file, const std::string& key_file,
    const std::string& client_ca_file);

}  // namespace kasetsu::http
