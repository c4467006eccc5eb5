// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audio_latency/result.hpp"

namespace audio_latency {

// One request: header, fixed part, attributes.
class NetlinkRequest {
 public:
  template <typename Body>
  NetlinkRequest(std::uint16_t type, std::uint16_t flags, const Body& body) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    append(&header, sizeof header);
    append(&body, sizeof body);
  }
  void attribute(std::uint16_t type, const void* data, std::size_t size);
  const std::vector<std::uint8_t>& finish();

 private:
  void append(const void* data, std::size_t size);
  std::vector<std::uint8_t> bytes_;
};

// The attributes behind the fixed part of a message.
class NetlinkAttributes {
 public:
  NetlinkAttributes(const void* data, std::size_t size) : data_(static_cast<const std::uint8_t*>(data)), size_(size) {}
  static NetlinkAttributes behind(const nlmsghdr* message, std::size_t fixed_part);

  std::optional<std::string_view> bytes(std::uint16_t type) const;
  std::string text(std::uint16_t type) const;  // without the terminating zero
  NetlinkAttributes nested(std::uint16_t type) const;
  template <typename T>
  std::optional<T> number(std::uint16_t type) const {
    const auto found = bytes(type);
    if (!found || found->size() < sizeof(T)) return std::nullopt;
    T value{};
    std::memcpy(&value, found->data(), sizeof value);
    return value;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

// A netlink socket of the calling thread's network namespace. One thread.
class NetlinkSocket {
 public:
  using OnMessage = std::function<void(const nlmsghdr*)>;

  static Result<NetlinkSocket> open(int protocol, std::uint32_t groups = 0);
  NetlinkSocket(NetlinkSocket&& other) noexcept;
  NetlinkSocket& operator=(NetlinkSocket&& other) noexcept;
  NetlinkSocket(const NetlinkSocket&) = delete;
  NetlinkSocket& operator=(const NetlinkSocket&) = delete;
  ~NetlinkSocket();

  int fd() const { return fd_; }
  // Sends and hands over each message of the answer.
  Status dump(NetlinkRequest& request, const OnMessage& on_message);
  // Hands over what has arrived by itself, without waiting. False: the kernel dropped some (list everything again).
  bool drain(const OnMessage& on_message);

 private:
  explicit NetlinkSocket(int fd) : fd_(fd) {}
  int fd_ = -1;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(65'536);
};

}  // namespace audio_latency
