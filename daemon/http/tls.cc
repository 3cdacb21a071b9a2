#include "daemon/http/tls.h"

#include "daemon/base/asio.h"

#include <openssl/x509.h>

#include <boost/asio/ssl/context.hpp>
#include <ctime>

namespace kasetsu::http {

Result<std::shared_ptr<boost::asio::ssl::context>> make_tls_context(
    const std::string& certificate_file, const std::string& key_file,
    const std::string& client_ca_file) {
  namespace ssl = boost::asio::ssl;
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  boost::system::error_code error;
  const auto wrong = [&](const char* what, const std::string& file) {
    return Error{ErrorCode::bad_data, std::string(what) + ": " + error.message(), "tls", file,
                 "a PEM file"};
  };
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                                    SSL_OP_SINGLE_DH_USE |
                                                    SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_cipher_list(context->native_handle(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  context->use_certificate_chain_file(certificate_file, error);
  if (error) return wrong("the certificate cannot be read", certificate_file);
  context->use_private_key_file(key_file, ssl::context::pem, error);
  if (error) return wrong("the private key cannot be read or is of another certificate", key_file);
  if (!client_ca_file.empty()) {
    context->load_verify_file(client_ca_file, error);
    if (error)
      return wrong("the certificate of the clients' authority cannot be read", client_ca_file);
    context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, error);
    if (error) return wrong("client certificates cannot be asked for", client_ca_file);
  }
  return context;
}

std::string certificate_warning(boost::asio::ssl::context& context, Time now) {
  const X509* certificate = SSL_CTX_get0_certificate(context.native_handle());
  if (!certificate) return "there is no certificate";
  std::time_t at = std::chrono::system_clock::to_time_t(now);
  if (X509_cmp_time(X509_get0_notBefore(certificate), &at) > 0) {
    return "the certificate is not valid yet: clients refuse it";
  }
  if (X509_cmp_time(X509_get0_notAfter(certificate), &at) < 0) {
    return "the certificate has expired: clients refuse it";
  }
  at += 14 * 86'400;
  if (X509_cmp_time(X509_get0_notAfter(certificate), &at) < 0) {
    return "the certificate expires within two weeks";
  }
  return {};
}

std::optional<Time> certificate_end(boost::asio::ssl::context& context) {
  const X509* certificate = SSL_CTX_get0_certificate(context.native_handle());
  std::tm end{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return {};
  return from_micros(std::int64_t{::timegm(&end)} * 1'000'000);
}

}  // namespace kasetsu::http
