// SPDX-License-Identifier: Apache-2.0
#include "identity_http.hpp"

#include <curl/curl.h>

#include <array>
#include <fstream>
#include <mutex>

#include "version.hpp"

namespace audio_latency {
namespace {

constexpr std::size_t kMaxBody = 256U << 20;
constexpr std::size_t kMaxLine = 16U << 20;

struct FreeHeaders {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Headers = std::unique_ptr<curl_slist, FreeHeaders>;

Result<std::string> read_token(const std::string& path) {
  std::ifstream file(path);
  std::string token;
  if (!file || !(file >> token)) return Error{"the service account's token " + path + " can't be read"};
  return token;
}

}  // namespace

struct ApiClient::Transfer {
  CURL* curl = nullptr;
  const std::function<void()>* on_open = nullptr;
  const OnLine* on_line = nullptr;  // nullptr: collect the body
  std::string buffer;
  bool enough = false;
  bool too_long = false;

  bool take_lines() {
    std::size_t start = 0;
    for (auto end = buffer.find('\n'); end != std::string::npos; end = buffer.find('\n', start)) {
      if (end > start && !(*on_line)(std::string_view(buffer).substr(start, end - start))) {
        enough = true;
        return false;
      }
      start = end + 1;
    }
    buffer.erase(0, start);
    return true;
  }

  long status() const {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    return status;
  }

  // Called for each header line; the empty one is the last.
  static std::size_t header(char* data, std::size_t size, std::size_t count, void* self) {
    const auto& transfer = *static_cast<Transfer*>(self);
    const bool last = std::string_view(data, size * count) == "\r\n";
    if (last && transfer.on_open != nullptr && transfer.status() == 200) (*transfer.on_open)();
    return size * count;
  }

  static std::size_t write(char* data, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    transfer.buffer.append(data, size * count);
    const bool lines = transfer.on_line != nullptr && transfer.status() == 200;
    if (lines && !transfer.take_lines()) return 0;
    transfer.too_long = transfer.buffer.size() > (lines ? kMaxLine : kMaxBody);
    return transfer.too_long ? 0 : size * count;
  }
};

Result<std::unique_ptr<ApiClient>> ApiClient::create(Settings settings) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  CURL* curl = curl_easy_init();
  CURLM* multi = curl_multi_init();
  if (curl != nullptr && multi != nullptr) {
    return std::unique_ptr<ApiClient>(new ApiClient(std::move(settings), curl, multi));
  }
  curl_easy_cleanup(curl);
  curl_multi_cleanup(multi);
  return Error{"libcurl can't be initialised"};
}

ApiClient::ApiClient(Settings settings, void* curl, void* multi)
    : settings_(std::move(settings)), curl_(curl), multi_(multi) {
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, 20L);
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPINTVL, 10L);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, Transfer::header);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, Transfer::write);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");  // the API server is never behind the proxy that the audio service may use
  if (!settings_.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, settings_.ca_file.c_str());
}

ApiClient::~ApiClient() {
  curl_multi_cleanup(multi_);
  curl_easy_cleanup(curl_);
}

void ApiClient::interrupt() {
  stop_.store(true);
  curl_multi_wakeup(multi_);
}

// As curl_easy_perform, but `interrupt` ends it at once.
int ApiClient::run() {
  int running = 1;
  curl_multi_add_handle(multi_, curl_);
  while (running != 0 && !interrupted()) {
    if (curl_multi_perform(multi_, &running) != CURLM_OK) break;
    if (running != 0) curl_multi_poll(multi_, nullptr, 0, 10'000, nullptr);
  }
  CURLcode code = CURLE_ABORTED_BY_CALLBACK;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  }
  curl_multi_remove_handle(multi_, curl_);
  return code;
}

Result<ApiClient::Reply> ApiClient::perform(const std::string& path, Transfer& transfer, long timeout_s) {
  const std::string agent = std::string("User-Agent: audio-latency/") + version();
  Headers headers(curl_slist_append(nullptr, agent.c_str()));
  curl_slist_append(headers.get(), "Accept: application/json");
  if (!settings_.token_file.empty()) {
    const auto token = read_token(settings_.token_file);
    if (!token) return token.error();
    curl_slist_append(headers.get(), ("Authorization: Bearer " + *token).c_str());
  }
  const std::string url = settings_.url + path;
  std::array<char, CURL_ERROR_SIZE> reason{};
  transfer.curl = curl_;
  curl_easy_setopt(curl_, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl_, CURLOPT_TIMEOUT, timeout_s);
  // Lists are compressed; a compressed stream would wait for its buffer to fill.
  curl_easy_setopt(curl_, CURLOPT_ACCEPT_ENCODING, transfer.on_line == nullptr ? "gzip" : nullptr);
  curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, reason.data());
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &transfer);
  const auto code = static_cast<CURLcode>(run());
  curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, nullptr);
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, nullptr);
  if (transfer.too_long) return Error{"the API server's answer to " + path + " is too long"};
  if (code != CURLE_OK && !transfer.enough) {
    const std::string why = reason[0] != 0 ? reason.data() : curl_easy_strerror(code);
    return Error{"the API server " + settings_.url + " can't be reached: " + why};
  }
  Reply reply;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &reply.status);
  reply.body = std::move(transfer.buffer);
  return reply;
}

Result<ApiClient::Reply> ApiClient::get(const std::string& path) {
  Transfer transfer;
  return perform(path, transfer, 60);
}

Result<ApiClient::Reply> ApiClient::stream(const std::string& path, const std::function<void()>& on_open,
                                           const OnLine& on_line) {
  Transfer transfer;
  transfer.on_open = &on_open;
  transfer.on_line = &on_line;
  return perform(path, transfer, 660);  // the server ends a watch before (timeoutSeconds)
}

}  // namespace audio_latency
