// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "format_layer.hpp"

namespace audio_latency {

// Takes a TCP stream in order. `packet` is the one that carried the bytes; its own `bytes` are not to be used.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  virtual void on_stream(ByteSpan bytes, std::uint32_t sequence, const Payload& packet) = 0;
  virtual void on_gap() = 0;  // what comes next does not follow what came before
};

struct ReassemblyCounters {
  std::uint64_t gaps = 0;             // given up
  std::uint64_t duplicate_bytes = 0;  // had been there before: the first stands
  std::uint64_t restarts = 0;         // a new connection on the same addresses and ports
};

// Puts the segments of one direction of a TCP connection in sequence order (RFC 9293, 3.4; serial numbers wrap).
// Waits for a missing segment for kPatienceNs of event time, kHeldBytes of bytes or kHeldSegments behind it, whichever
// is first; then goes on behind the gap. One thread.
class Reassembly {
 public:
  static constexpr EventTime kPatienceNs = 500'000'000;
  static constexpr std::size_t kHeldBytes = 32 * 1024;
  static constexpr std::size_t kHeldSegments = 64;

  void push(const Payload& packet, StreamSink& sink, ReassemblyCounters& counters);
  // Gives up gaps that have been waited for long enough at `now`.
  void advance(EventTime now, StreamSink& sink, ReassemblyCounters& counters);

  bool waiting() const { return !held_.empty(); }
  std::size_t held_bytes() const { return held_bytes_; }

 private:
  struct Held {
    Payload packet;  // with `bytes` empty
    std::uint32_t sequence = 0;
    std::uint32_t cut = 0;  // bytes missing from the capture behind `bytes`
    std::vector<std::uint8_t> bytes;
    std::uint32_t end() const { return sequence + static_cast<std::uint32_t>(bytes.size()); }
  };

  void deliver(const Payload& packet, ByteSpan bytes, std::uint32_t sequence, std::uint32_t cut, StreamSink& sink,
               ReassemblyCounters& counters);
  void deliver_held(StreamSink& sink, ReassemblyCounters& counters);
  void hold(const Payload& packet, ByteSpan bytes, std::uint32_t sequence, std::uint32_t cut,
            ReassemblyCounters& counters);
  void hold_piece(std::size_t index, const Payload& packet, ByteSpan bytes, std::uint32_t sequence, std::uint32_t cut);
  void give_up(StreamSink& sink, ReassemblyCounters& counters);
  bool is_new_connection(const Payload& packet);
  void restart(const Payload& packet, StreamSink& sink, ReassemblyCounters& counters);

  bool started_ = false;
  std::uint32_t next_ = 0;        // sequence number that comes next
  std::uint32_t late_next_ = 0;   // the same among segments that lie behind next_
  std::uint32_t late_chain_ = 0;  // how many of those followed one another
  std::size_t held_bytes_ = 0;
  std::vector<Held> held_;  // by sequence number, not overlapping
};

}  // namespace audio_latency
