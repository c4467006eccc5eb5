// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "bus_nats_connection.hpp"
#include "file_text.hpp"

namespace audio_latency {
namespace {

constexpr std::size_t kLongestSecret = 65'536;  // bytes
constexpr std::int64_t kConnectTimeout = 2000;  // ms
constexpr std::int64_t kWriteDeadline = 2000;   // ms
constexpr std::int64_t kPingInterval = 2000;    // ms

Result<std::string> secret(const std::string& file) {
  auto text = read_text_file(file, kLongestSecret);
  if (!text) return Error{"The bus needs a secret, but " + text.error().message};
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  return std::move(text).value();
}

struct Destroy {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};
using Options = std::unique_ptr<natsOptions, Destroy>;

natsStatus set_servers(natsOptions* options, const NatsSettings& settings) {
  std::vector<const char*> urls;
  for (const std::string& url : settings.urls) urls.push_back(url.c_str());
  return natsOptions_SetServers(options, urls.data(), static_cast<int>(urls.size()));
}

natsStatus set_tls(natsOptions* options, const NatsSettings& settings) {
  const bool wanted = std::any_of(settings.urls.begin(), settings.urls.end(),
                                  [](const std::string& url) { return url.starts_with("tls://"); });
  if (!wanted) return NATS_OK;
  natsStatus status = natsOptions_SetSecure(options, true);
  if (status == NATS_OK && !settings.ca_file.empty()) {
    status = natsOptions_LoadCATrustedCertificates(options, settings.ca_file.c_str());
  }
  if (status == NATS_OK && !settings.certificate_file.empty()) {
    status = natsOptions_LoadCertificatesChain(options, settings.certificate_file.c_str(), settings.key_file.c_str());
  }
  return status;
}

Result<natsStatus> set_credentials(natsOptions* options, const NatsSettings& settings) {
  if (!settings.user.empty()) {
    auto password =
        settings.password_file.empty() ? Result<std::string>(std::string()) : secret(settings.password_file);
    if (!password) return password.error();
    return natsOptions_SetUserInfo(options, settings.user.c_str(), password->c_str());
  }
  if (!settings.token_file.empty()) {
    auto token = secret(settings.token_file);
    if (!token) return token.error();
    return natsOptions_SetToken(options, token->c_str());
  }
  // The library reads these two when it connects, and calls it an authentication failure where they are missing.
  for (const std::string& file : {settings.nkey_seed_file, settings.credentials_file}) {
    if (const auto text = file.empty() ? Result<std::string>(std::string()) : secret(file); !text) return text.error();
  }
  if (!settings.nkey.empty()) {
    return natsOptions_SetNKeyFromSeed(options, settings.nkey.c_str(), settings.nkey_seed_file.c_str());
  }
  if (settings.credentials_file.empty()) return NATS_OK;
  return natsOptions_SetUserCredentialsFromFiles(options, settings.credentials_file.c_str(), nullptr);
}

// Without a user and a password that may stand in front of the host.
std::string without_secrets(const std::vector<std::string>& urls) {
  std::string text;
  for (const std::string& url : urls) {
    const auto scheme = url.find("://") + 3;
    const auto at = url.rfind('@');
    text += (text.empty() ? "" : ", ") + url.substr(0, scheme) +
            url.substr(at == std::string::npos || at < scheme ? scheme : at + 1);
  }
  return text;
}

}  // namespace

Result<natsOptions*> nats_options(const NatsSettings& settings) {
  natsOptions* made = nullptr;
  if (natsOptions_Create(&made) != NATS_OK) return Error{"The NATS library has no memory."};
  Options options(made);
  const std::string name = "audio-latency " + settings.node;
  natsStatus status = natsOptions_SetName(made, name.c_str());
  const auto then = [&](natsStatus next) {
    if (status == NATS_OK) status = next;
  };
  then(set_servers(made, settings));
  then(set_tls(made, settings));
  auto credentials = status == NATS_OK ? set_credentials(made, settings) : Result<natsStatus>(status);
  if (!credentials) return credentials.error();
  then(*credentials);
  then(natsOptions_SetTimeout(made, kConnectTimeout));
  then(natsOptions_SetWriteDeadline(made, kWriteDeadline));
  then(natsOptions_SetPingInterval(made, kPingInterval));
  then(natsOptions_SetMaxPingsOut(made, 2));
  then(natsOptions_SetMaxReconnect(made, -1));
  // Each message is a batch already, and its time stamp says when it leaves.
  then(natsOptions_SetSendAsap(made, true));
  if (status == NATS_OK) return options.release();
  const char* detail = nats_GetLastError(nullptr);
  return Error{nats_sentence(status, detail == nullptr ? "" : detail, settings)};
}

Status check_nats_files(const NatsSettings& settings) {
  const auto options = nats_options(settings);
  if (!options) return options.error();
  natsOptions_Destroy(*options);
  return success();
}

std::string nats_sentence(natsStatus status, const std::string& detail, const NatsSettings& settings) {
  const std::string servers = "BUS_URL (" + without_secrets(settings.urls) + ")";
  const std::string because = detail.empty() ? natsStatus_GetText(status) : detail;
  const bool unauthorised = because.find("uthoriz") != std::string::npos || because.find("uthent") != std::string::npos;
  if (status == NATS_CONNECTION_AUTH_FAILED || unauthorised) {
    return "The bus refuses this node's credentials (" + because + "): check BUS_USER and the BUS_*_FILE options.";
  }
  switch (status) {
    case NATS_NO_SERVER:
    case NATS_IO_ERROR:
    case NATS_TIMEOUT:
      return "No server of " + servers + " can be reached (" + because + ").";
    case NATS_SSL_ERROR:
      return "TLS with the bus failed (" + because + "): check BUS_CA_FILE, BUS_CERTIFICATE_FILE and BUS_KEY_FILE.";
    case NATS_SECURE_CONNECTION_WANTED:
      return servers + " asks for TLS, but the server has none: write nats://, or give the server a certificate.";
    case NATS_SECURE_CONNECTION_REQUIRED:
      return "The server wants TLS: write tls:// in " + servers + ".";
    default:
      return "The bus at " + servers + " is not connected (" + because + ").";
  }
}

}  // namespace audio_latency
