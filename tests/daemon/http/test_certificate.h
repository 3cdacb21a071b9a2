// A certificate of the test program's own, for servers and clients that speak TLS.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "daemon/http/tls.h"

namespace kasetsu::http {

inline bool tests_speak_tls() {
  static const bool spoken = std::getenv("KASETSU_TEST_TLS") != nullptr;
  return spoken;
}

// Writes a key and a certificate that signs itself, valid from `from` to `to` seconds from now.
inline void write_test_certificate(const std::string& certificate_file, const std::string& key_file,
                                   long from = -3'600, long to = 3'600) {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), to);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  std::FILE* file = std::fopen(certificate_file.c_str(), "w");
  PEM_write_X509(file, certificate.get());
  std::fclose(file);
  file = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
}

// Null where the tests speak plain HTTP.
inline std::shared_ptr<boost::asio::ssl::context> test_tls_context() {
  if (!tests_speak_tls()) return nullptr;
  static const auto context = [] {
    const auto base = std::filesystem::temp_directory_path() /
                      ("kasetsu_certificate_" + std::to_string(::getpid()));
    const std::string certificate = base.string() + ".pem", key = base.string() + ".key";
    write_test_certificate(certificate, key);
    auto made = make_tls_context(certificate, key, "").value();
    std::filesystem::remove(certificate);
    std::filesystem::remove(key);
    return made;
  }();
  return context;
}

}  // namespace kasetsu::http
