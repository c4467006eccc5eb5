// SPDX-License-Identifier: Apache-2.0
#include "http.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace audio_latency::examples {
namespace {

constexpr int kPatienceMs = 10'000;
constexpr std::size_t kLongestHead = 16'384;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

}  // namespace

Result<std::string> read_http_head(const Fd& socket, std::vector<std::uint8_t>& rest) {
  const std::int64_t deadline = steady_clock_ns() + kPatienceMs * 1'000'000LL;
  std::string text;
  std::array<std::uint8_t, 4096> buffer{};
  while (text.size() < kLongestHead && steady_clock_ns() < deadline) {
    pollfd ready{socket.get(), POLLIN, 0};
    poll(&ready, 1, 100);
    const Received got = receive(socket, buffer);
    text.append(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got.length));
    if (const std::size_t end = text.find("\r\n\r\n"); end != std::string::npos) {
      rest.assign(text.begin() + static_cast<std::ptrdiff_t>(end) + 4, text.end());
      return text.substr(0, end + 2);
    }
    if (got.ended) {
      break;
    }
  }
  return Error{"the peer sent no HTTP head"};
}

std::string http_field(const std::string& head, const std::string& name) {
  const std::size_t start = lower(head).find("\r\n" + lower(name) + ":");
  if (start == std::string::npos) {
    return "";
  }
  const std::size_t from = head.find_first_not_of(' ', start + name.size() + 3);
  return head.substr(from, head.find("\r\n", from) - from);
}

Status send_text(const Fd& socket, const std::string& text) {
  return send_all(socket, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

void ChunkReader::feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& body) {
  while (!bytes.empty()) {
    if (remaining_ == 0) {
      line_ += static_cast<char>(bytes.front());
      bytes = bytes.subspan(1);
      if (line_.ends_with("\r\n")) {
        remaining_ = std::strtoul(line_.c_str(), nullptr, 16) + 2;
        line_.clear();
      }
      continue;
    }
    const std::size_t data = std::min(remaining_ > 2 ? remaining_ - 2 : 0, bytes.size());
    const auto end = bytes.begin() + static_cast<std::ptrdiff_t>(data);
    body.insert(body.end(), bytes.begin(), end);
    const std::size_t passed = data > 0 ? data : 1;  // a byte of the line break
    remaining_ -= passed;
    bytes = bytes.subspan(passed);
  }
}

}  // namespace audio_latency::examples
