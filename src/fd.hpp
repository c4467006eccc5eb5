// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <utility>

namespace audio_latency {

// Owner of a file descriptor; closed at destruction. A moved-from or default one holds none (-1).
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// A file descriptor that somebody else owns and keeps open for as long as this is used.
class FdView {
 public:
  FdView() = default;
  explicit FdView(int fd) : fd_(fd) {}
  explicit FdView(const Fd& owner) : fd_(owner.get()) {}

  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

}  // namespace audio_latency
