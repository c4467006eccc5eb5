// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "audio_latency/result.hpp"
#include "fd.hpp"

namespace audio_latency::examples {

enum class Transport : std::uint8_t { udp, tcp };

// `address` is HOST:PORT, [IPv6]:PORT or :PORT (every address); port 0 takes a free one.
Result<Fd> listen_at(const std::string& address, Transport transport);
// TCP: tries again for `patience_ms` while nobody listens there or the name is not known yet.
Result<Fd> connect_to(const std::string& address, Transport transport, int patience_ms);
// The next connection of a listening TCP socket, ready for low delay.
Result<Fd> accept_from(const Fd& listener);

std::string local_address(const Fd& socket);

// Nanoseconds since the epoch (CLOCK_REALTIME), the clock of the kernel's time stamps.
std::int64_t wall_clock_ns();
// Nanoseconds of CLOCK_MONOTONIC, which nobody sets: for deadlines.
std::int64_t steady_clock_ns();

// What one read of a socket gave.
struct Received {
  std::size_t length = 0;
  std::int64_t arrived_ns =
      0;               // the kernel's stamp of the (last) packet, CLOCK_REALTIME; where it gave none, our clock
  bool ended = false;  // the peer closed, or the socket failed
};
// Does not block: length 0 and not ended means that nothing is there.
Received receive(const Fd& socket, std::span<std::uint8_t> buffer);

// All of it, or an error; blocks while the peer's window is shut.
Status send_all(const Fd& socket, std::span<const std::uint8_t> bytes);

}  // namespace audio_latency::examples
