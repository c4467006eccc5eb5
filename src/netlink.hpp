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
#include "fd.hpp"

namespace audio_latency {

using NetlinkVisitor = std::function<void(const nlmsghdr&)>;

// One request: header, fixed part (ifinfomsg, tcmsg, …), attributes. Flags: NLM_F_DUMP for everything of one kind.
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
  // Attributes that follow, until end_nested, are inside this one. Returns what end_nested wants.
  std::size_t begin_nested(std::uint16_t type);
  void end_nested(std::size_t begin);

 private:
  friend class Netlink;
  std::string_view finish(std::uint32_t sequence);
  void append(const void* data, std::size_t size);
  std::vector<std::uint8_t> bytes_;
};

// The attributes behind the fixed part of a message. A view of it.
class NetlinkAttributes {
 public:
  NetlinkAttributes(const nlmsghdr& message, std::size_t fixed_part);

  std::optional<std::string_view> bytes(std::uint16_t type) const;
  std::string text(std::uint16_t type) const;  // up to the first NUL; empty where it is absent
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
  explicit NetlinkAttributes(std::string_view bytes) : bytes_(bytes) {}
  std::string_view bytes_;
};

// A netlink socket of the calling thread's network namespace. One thread. Use one for notifications and another for
// questions: their answers would mix.
class Netlink {
 public:
  // `groups`: RTMGRP_LINK, …; 0 for a socket that only asks.
  static Result<Netlink> open(int protocol = NETLINK_ROUTE, std::uint32_t groups = 0);

  int fd() const { return socket_.get(); }

  // Asks, and blocks until all answers have come. A table that changes meanwhile is read again: then `visit` sees some
  // messages twice.
  Status ask(NetlinkRequest request, const NetlinkVisitor& visit);

  // Hands over the notifications that are waiting, without blocking. False: the kernel had to drop some (ENOBUFS), so
  // that only asking for everything tells what is true now.
  Result<bool> notifications(const NetlinkVisitor& visit);

 private:
  explicit Netlink(Fd socket) : socket_(std::move(socket)) {}
  Result<bool> read_answer(const NetlinkVisitor& visit);

  Fd socket_;
  std::uint32_t sequence_ = 0;
  std::vector<char> buffer_;
};

}  // namespace audio_latency
