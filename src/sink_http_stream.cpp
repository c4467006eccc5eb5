// SPDX-License-Identifier: Apache-2.0
#include "sink_http_stream.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

namespace audio_latency {
namespace {

constexpr std::size_t kMostHeadBytes = 8192;
constexpr std::string_view kTooLong =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
constexpr auto kHeadTime = std::chrono::seconds(2);
constexpr auto kAnswerTime = std::chrono::seconds(10);
// Where other connections wait for a thread: a head comes with its connection, an answer is read as it is written.
constexpr auto kHeadPatience = std::chrono::milliseconds(20);
constexpr auto kAnswerPatience = std::chrono::milliseconds(200);
constexpr int kPollMilliseconds = 20;  // how soon `stopping` and `queued` are seen

}  // namespace

HttpStream::~HttpStream() {
  // What the client sent and nobody read would turn the close into a reset that can overtake the answer.
  shutdown(socket_, SHUT_WR);
  std::array<char, 4096> rest{};
  for (int i = 0; i < 16 && recv(socket_, rest.data(), rest.size(), MSG_DONTWAIT) > 0; ++i) {
  }
  close(socket_);
}

bool HttpStream::wait(short events, Clock::time_point deadline, Clock::time_point patience) const {
  while (!pressure_.stopping) {
    const auto now = Clock::now();
    if (now >= deadline || (pressure_.queued > 0 && now >= patience)) return false;
    pollfd ready{socket_, events, 0};
    const int count = poll(&ready, 1, kPollMilliseconds);
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return false;
  }
  return false;
}

bool HttpStream::read_head() {
  const auto start = Clock::now();
  std::array<char, 2048> piece{};
  while (head_.find("\r\n\r\n") == std::string::npos) {
    if (head_.size() > kMostHeadBytes) {
      answer_deadline_ = start + kHeadTime;
      static_cast<void>(write(kTooLong.data(), kTooLong.size()));
      return false;
    }
    if (!wait(POLLIN, start + kHeadTime, start + kHeadPatience)) return false;
    const ssize_t count = recv(socket_, piece.data(), piece.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) return false;
    head_.append(piece.data(), static_cast<std::size_t>(count));
  }
  head_ = head_.substr(0, head_.find("\r\n")).append("\r\nConnection: close\r\n\r\n");
  answer_deadline_ = Clock::now() + kAnswerTime;
  return true;
}

ssize_t HttpStream::read(char* to, std::size_t size) {
  const std::size_t count = std::min(size, head_.size() - position_);
  std::memcpy(to, head_.data() + position_, count);
  position_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t HttpStream::write(const char* from, std::size_t size) {
  std::size_t sent = 0;
  while (sent < size) {
    if (!wait(POLLOUT, answer_deadline_, Clock::now() + kAnswerPatience)) return -1;
    const ssize_t count = send(socket_, from + sent, size - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) return -1;
    sent += static_cast<std::size_t>(count);
  }
  return static_cast<ssize_t>(sent);
}

// Nothing here depends on who asks.
void HttpStream::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}
void HttpStream::get_local_ip_and_port(std::string& ip, int& port) const {
  ip.clear();
  port = 0;
}

}  // namespace audio_latency
