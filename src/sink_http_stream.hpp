// SPDX-License-Identifier: Apache-2.0
#pragma once

// As Debian builds the library: the layout of httplib::Request depends on it.
#define CPPHTTPLIB_OPENSSL_SUPPORT
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <string>

namespace audio_latency {

// One connection of the HTTP server, for one request. The library's own stream has a limit per read and none per
// request, and takes any number of headers; so the head is read here, and the library sees its first line only: no
// endpoint needs more.
class HttpStream : public httplib::Stream {
 public:
  // What other threads say of the server, and this one looks at while it waits.
  struct Pressure {
    std::atomic<bool> stopping = false;   // ends every wait
    std::atomic<std::size_t> queued = 0;  // connections that no thread has time for: slow clients lose theirs
  };

  // Takes the socket over.
  HttpStream(socket_t socket, const Pressure& pressure) : socket_(socket), pressure_(pressure) {}
  ~HttpStream() override;
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  // False: the client did not send a whole, short enough head in time. One that is too long was told so.
  bool read_head();

  bool is_readable() const override { return position_ < head_.size(); }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, std::size_t size) override;
  ssize_t write(const char* from, std::size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;
  bool wait(short events, Clock::time_point deadline, Clock::time_point patience) const;

  socket_t socket_;
  const Pressure& pressure_;
  std::string head_;
  std::size_t position_ = 0;
  Clock::time_point answer_deadline_{};
};

}  // namespace audio_latency
