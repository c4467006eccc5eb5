// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "audio_latency/net.hpp"
#include "support/scenario_audio.hpp"

namespace audio_latency::scenario {

using Nanoseconds = std::int64_t;  // since the capture began; negative: before it
constexpr Nanoseconds millisecond = 1'000'000;
constexpr Nanoseconds second = 1'000'000'000;

enum class Transport : std::uint8_t { rtp, udp, tcp };

// How one sender cuts a stream into packets. TCP: segments of any length instead.
struct Cut {
  Transport transport = Transport::rtp;
  unsigned packet_ms = 20;
  double phase = 0;  // of a packet by which the first boundary is late, 0 to 1
};

struct Stream {
  Bytes bytes;
  unsigned bytes_per_second = 0;
};

struct Packet {
  Nanoseconds time = 0;
  std::size_t begin = 0;  // byte range of the stream
  std::size_t end = 0;
};

struct Flow {
  std::string call;
  SocketAddress source;
  SocketAddress destination;
  Transport transport = Transport::rtp;
  std::size_t stream = 0;
  int parent = -1;  // the flow that it relays; -1: an origin
  std::vector<Packet> packets;
  std::uint32_t identity = 0;  // SSRC, or the initial sequence number
  std::uint16_t first_sequence = 0;
};

// A call whose every second of speech is to be measured, from `origin` to the receiver of `last`.
struct CleanCall {
  std::string call;
  int origin = 0;
  int last = 0;
  std::vector<unsigned> seconds;  // of the stream, those that hold speech
};

// When a relay sends what arrived at `arrival`.
using Hold = std::function<Nanoseconds(Nanoseconds arrival)>;
Hold held(Nanoseconds delay);
Hold held_in_bursts(Nanoseconds delay, Nanoseconds period);  // saw-tooth: everything of a period leaves at its end

// What passes one capture point, and who sent what to whom.
class Traffic {
 public:
  // `alike`: every endpoint is a port of 127.0.0.1; else each host has an address of its own.
  Traffic(Random& random, bool alike) : random_(random), alike_(alike) {}

  // A new port of a host; hosts are told apart by name. Ports are never reused.
  SocketAddress endpoint(const std::string& host);
  std::size_t stream(Bytes bytes, unsigned bytes_per_second);
  // Each returns the number of the new flow.
  int origin(const std::string& call, SocketAddress from, SocketAddress to, std::size_t stream, Cut cut,
             Nanoseconds start);
  int relay(int parent, SocketAddress from, SocketAddress to, Cut cut, const Hold& hold);
  // The parent's own packets, packet by packet: same cut, SSRC and sequence numbers.
  int pass_through(int parent, SocketAddress from, SocketAddress to, Nanoseconds delay);

  // The flow's packets again, by somebody whom they were never sent to: an origin, not a relay.
  int replay(int flow, SocketAddress from, SocketAddress to, Nanoseconds delay, Nanoseconds begin);

  void expect_clean(int origin, int last, std::vector<unsigned> seconds);

  const std::vector<Stream>& streams() const { return streams_; }
  const std::vector<Flow>& flows() const { return flows_; }
  const std::vector<CleanCall>& clean() const { return clean_; }

 private:
  int add(Flow flow);
  std::vector<Packet> cut(std::size_t stream, const Cut& how);

  Random& random_;
  bool alike_;
  std::uint16_t next_port_ = 10'000;
  std::map<std::string, IpAddress> hosts_;
  std::vector<Stream> streams_;
  std::vector<Flow> flows_;
  std::vector<CleanCall> clean_;
};

// Seconds of the samples, counted from `from`, in which some 200 ms are louder than -41 dBFS.
std::vector<unsigned> speech_seconds(const Samples& samples, unsigned rate, double from = 0);

}  // namespace audio_latency::scenario
