// SPDX-License-Identifier: Apache-2.0
#include "format_reassembly.hpp"

#include <algorithm>

#include "audio_latency/wire/flow.h"

namespace audio_latency {
namespace {

constexpr std::uint32_t kFarAhead = 16U << 20;  // further than a receive window: not the same connection
constexpr std::uint32_t kLateChain = 16;        // segments

// How far `a` lies behind `b`; negative: before it (RFC 1982).
std::int32_t distance(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::int32_t>(a - b);
}

Payload without_bytes(const Payload& packet) {
  Payload copy = packet;
  copy.bytes = {};
  return copy;
}

}  // namespace

void Reassembly::push(const Payload& packet, StreamSink& sink, ReassemblyCounters& counters) {
  advance(packet.time, sink, counters);
  if (packet.length == 0) return;
  ByteSpan bytes = packet.bytes.first(std::min<std::size_t>(packet.bytes.size(), packet.length));
  const auto cut = packet.length - static_cast<std::uint32_t>(bytes.size());
  if (!started_) {
    started_ = true;
    next_ = packet.sequence;
  }
  const std::int32_t ahead = distance(packet.sequence, next_);
  if (ahead < -static_cast<std::int32_t>(AL_LATE_BYTES) || ahead > static_cast<std::int32_t>(kFarAhead) ||
      is_new_connection(packet)) {
    restart(packet, sink, counters);
    deliver(packet, bytes, packet.sequence, cut, sink, counters);
    return;
  }
  std::uint32_t sequence = packet.sequence;
  if (distance(sequence, next_) < 0) {
    const std::uint32_t seen = std::min<std::uint32_t>(next_ - sequence, static_cast<std::uint32_t>(bytes.size()));
    counters.duplicate_bytes += seen;
    if (distance(packet.sequence + packet.length, next_) <= 0) return;
    bytes = bytes.subspan(seen);
    sequence += seen;
  }
  if (sequence == next_) {
    deliver(packet, bytes, sequence, cut, sink, counters);
    deliver_held(sink, counters);
    return;
  }
  // What can't be held (merged to 64 KiB, or too much) is not waited for.
  if (bytes.size() > kHeldBytes) {
    while (!held_.empty()) give_up(sink, counters);
    if (distance(sequence, next_) > 0) {
      ++counters.gaps;
      sink.on_gap();
      next_ = sequence;
    }
    push(packet, sink, counters);
    return;
  }
  hold(packet, bytes, sequence, cut, counters);
  while (held_bytes_ > kHeldBytes || held_.size() > kHeldSegments) give_up(sink, counters);
}

// Segments that follow one another where nothing new can be: the other end counts from another number.
bool Reassembly::is_new_connection(const Payload& packet) {
  if (distance(packet.sequence + packet.length, next_) > 0) {
    late_chain_ = 0;
    return false;
  }
  late_chain_ = packet.sequence == late_next_ ? late_chain_ + 1 : 1;
  late_next_ = packet.sequence + packet.length;
  return late_chain_ > kLateChain;
}

void Reassembly::restart(const Payload& packet, StreamSink& sink, ReassemblyCounters& counters) {
  ++counters.restarts;
  held_.clear();
  held_bytes_ = 0;
  late_chain_ = 0;
  next_ = packet.sequence;
  sink.on_gap();
}

void Reassembly::deliver(const Payload& packet, ByteSpan bytes, std::uint32_t sequence, std::uint32_t cut,
                         StreamSink& sink, ReassemblyCounters& counters) {
  next_ = sequence + static_cast<std::uint32_t>(bytes.size());
  if (!bytes.empty()) sink.on_stream(bytes, sequence, packet);
  if (cut == 0) return;
  ++counters.gaps;  // these bytes passed, but were not captured
  sink.on_gap();
  next_ += cut;
}

void Reassembly::deliver_held(StreamSink& sink, ReassemblyCounters& counters) {
  std::size_t done = 0;
  for (; done < held_.size() && distance(held_[done].sequence, next_) <= 0; ++done) {
    Held& first = held_[done];
    held_bytes_ -= first.bytes.size();
    // The packet that closed the gap may have overlapped it.
    const std::uint32_t seen =
        std::min<std::uint32_t>(next_ - first.sequence, static_cast<std::uint32_t>(first.bytes.size()));
    counters.duplicate_bytes += seen;
    if (distance(first.end() + first.cut, next_) <= 0) continue;
    deliver(first.packet, ByteSpan(first.bytes).subspan(seen), first.sequence + seen, first.cut, sink, counters);
  }
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(done));
}

// Only what is not held yet: the first stands.
void Reassembly::hold(const Payload& packet, ByteSpan bytes, std::uint32_t sequence, std::uint32_t cut,
                      ReassemblyCounters& counters) {
  std::size_t index = 0;
  while (!bytes.empty()) {
    while (index < held_.size() && distance(held_[index].end(), sequence) <= 0) ++index;
    const auto size = static_cast<std::uint32_t>(bytes.size());
    if (index == held_.size() || distance(held_[index].sequence, sequence + size) >= 0) {
      hold_piece(index, packet, bytes, sequence, cut);
      return;
    }
    const Held& other = held_[index];
    if (distance(other.sequence, sequence) > 0) {
      const std::uint32_t free = other.sequence - sequence;
      hold_piece(index, packet, bytes.first(free), sequence, 0);
      bytes = bytes.subspan(free);
      sequence += free;
      ++index;
    }
    const std::uint32_t seen =
        std::min<std::uint32_t>(held_[index].end() - sequence, static_cast<std::uint32_t>(bytes.size()));
    counters.duplicate_bytes += seen;
    bytes = bytes.subspan(seen);
    sequence += seen;
  }
}

void Reassembly::hold_piece(std::size_t index, const Payload& packet, ByteSpan bytes, std::uint32_t sequence,
                            std::uint32_t cut) {
  Held piece;
  piece.packet = without_bytes(packet);
  piece.sequence = sequence;
  piece.cut = cut;
  piece.bytes.assign(bytes.begin(), bytes.end());
  held_bytes_ += bytes.size();
  held_.insert(held_.begin() + static_cast<std::ptrdiff_t>(index), std::move(piece));
}

void Reassembly::give_up(StreamSink& sink, ReassemblyCounters& counters) {
  if (held_.empty()) return;
  ++counters.gaps;
  sink.on_gap();
  next_ = held_.front().sequence;
  deliver_held(sink, counters);
}

void Reassembly::advance(EventTime now, StreamSink& sink, ReassemblyCounters& counters) {
  while (!held_.empty()) {
    EventTime oldest = held_.front().packet.time;
    for (const Held& each : held_) oldest = std::min(oldest, each.packet.time);
    if (now < oldest + kPatienceNs) return;
    give_up(sink, counters);
  }
}

}  // namespace audio_latency
