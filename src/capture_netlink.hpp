// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstdint>
#include <functional>
#include <string_view>

#include "audio_latency/result.hpp"
#include "fd.hpp"

namespace audio_latency {

using NetlinkVisitor = std::function<void(const nlmsghdr&)>;

// One NETLINK_ROUTE socket. Use one for notifications and another for dumps: their answers would mix.
class Netlink {
 public:
  // `groups`: RTMGRP_LINK, …; 0 for a socket that only asks.
  static Result<Netlink> open(std::uint32_t groups = 0);

  int fd() const { return socket_.get(); }

  // Asks for everything of one kind (RTM_GETLINK, …) and blocks until all answers have come. `Header` is the request's
  // fixed part: ifinfomsg, tcmsg, …
  template <typename Header>
  Status dump(std::uint16_t type, const Header& header, const NetlinkVisitor& visit) {
    return dump_bytes(type, {reinterpret_cast<const char*>(&header), sizeof header}, visit);
  }

  // Hands over the notifications that are waiting, without blocking. False: the kernel had to drop some (ENOBUFS), so
  // that only a dump tells what is true now.
  Result<bool> notifications(const NetlinkVisitor& visit);

 private:
  explicit Netlink(Fd socket) : socket_(std::move(socket)) {}
  Status dump_bytes(std::uint16_t type, std::string_view header, const NetlinkVisitor& visit);
  Status send_request(std::uint16_t type, std::string_view header);

  Fd socket_;
  std::uint32_t sequence_ = 0;
};

// Payload of the attribute `type` behind the fixed part `Header` of a message; no value where it is absent.
struct NetlinkAttribute {
  const rtattr* attribute = nullptr;

  explicit operator bool() const { return attribute != nullptr; }
  std::string_view text() const;  // up to the first NUL
  std::uint32_t number() const;   // u32; 0 if shorter
  NetlinkAttribute nested(std::uint16_t type) const;
};
NetlinkAttribute find_attribute(const nlmsghdr& message, std::size_t header_size, std::uint16_t type);

}  // namespace audio_latency
