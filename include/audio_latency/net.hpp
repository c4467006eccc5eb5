// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace audio_latency {

// IPv6, or IPv4 as ::ffff:a.b.c.d, in network byte order.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};

  bool is_ipv4() const;
  bool is_loopback() const;  // 127.0.0.0/8 or ::1
  std::string to_string() const;
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress from_ipv4(std::uint32_t host_order);

  auto operator<=>(const IpAddress&) const = default;
  bool operator==(const IpAddress& other) const {  // as words: asked for each packet
    std::array<std::uint64_t, 2> a, b;
    std::memcpy(a.data(), bytes.data(), sizeof a);
    std::memcpy(b.data(), other.bytes.data(), sizeof b);
    return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
  }
};

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  std::string to_string() const;  // "10.0.0.1:5004", "[2001:db8::1]:5004"
  static std::optional<SocketAddress> parse(std::string_view text);

  auto operator<=>(const SocketAddress&) const = default;
};

// One direction of a conversation: sender -> receiver.
struct FlowKey {
  SocketAddress source;
  SocketAddress destination;
  std::uint8_t protocol = 0;  // IPPROTO_TCP or IPPROTO_UDP

  auto operator<=>(const FlowKey&) const = default;
};

}  // namespace audio_latency
