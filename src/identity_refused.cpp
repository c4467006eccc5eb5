// SPDX-License-Identifier: Apache-2.0
#include "identity_refused.hpp"

#include <algorithm>
#include <cstring>

#include "identity_flat_table.hpp"

namespace audio_latency {
namespace {

// Of the packet, not of the window in it. The destination may be translated on the way; the sender is what is forged.
std::uint64_t hash_packet(const Observation& seen) {
  const PacketIdentity& packet = seen.packet;
  std::array<std::uint64_t, 6> words{
      std::uint64_t{packet.stream_id} << 32 | packet.rtp_timestamp,
      std::uint64_t{packet.payload_length} << 32 | packet.ip_id_or_label,
      std::uint64_t{packet.rtp_sequence} << 32 | std::uint64_t{packet.kind} << 16 | seen.flow.source.port,
      seen.flow.protocol};
  static_assert(sizeof seen.flow.source.ip.bytes == 2 * sizeof words[4]);
  std::memcpy(&words[4], seen.flow.source.ip.bytes.data(), seen.flow.source.ip.bytes.size());
  return XXH3_64bits_withSeed(words.data(), sizeof words, identity_hash_seed());
}

}  // namespace

bool RefusedPackets::add(const Observation& seen) {
  const std::uint64_t packet = hash_packet(seen);
  Entry& known = entries_[packet % entries_.size()];
  const bool fresh = known.packet != packet;
  known = {packet, seen.time};
  last_ = std::max(last_, seen.time);
  return fresh;
}

bool RefusedPackets::has(const Observation& seen) const {
  if (last_ == 0 || seen.time > last_ + kKept) return false;  // nobody forges: nothing to look up
  const std::uint64_t packet = hash_packet(seen);
  const Entry& known = entry(packet);
  return known.packet == packet && seen.time <= known.time + kKept;
}

}  // namespace audio_latency
