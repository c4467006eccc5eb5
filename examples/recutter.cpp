// SPDX-License-Identifier: Apache-2.0
#include "recutter.hpp"

namespace audio_latency::examples {

Recutter::Recutter(const Cut& cut, std::uint64_t seed) : cut_(cut), random_(seed) {
  wanted_ = cut.first > 0 ? cut.first : regular_size();
}

std::size_t Recutter::regular_size() {
  return cut_.smallest + random_() % (cut_.largest - cut_.smallest + 1);
}

void Recutter::add(std::span<const std::uint8_t> audio, std::int64_t arrived_ns) {
  waiting_.insert(waiting_.end(), audio.begin(), audio.end());
  arrived_ns_ = arrived_ns;
}

std::optional<Chunk> Recutter::next() {
  if (waiting_.size() < wanted_) {
    return std::nullopt;
  }
  Chunk chunk = take(wanted_);
  wanted_ = regular_size();
  return chunk;
}

Chunk Recutter::rest() {
  return take(waiting_.size());
}

Chunk Recutter::take(std::size_t size) {
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(size);
  Chunk chunk{position_, {waiting_.begin(), end}, arrived_ns_};
  waiting_.erase(waiting_.begin(), end);
  position_ += size;
  return chunk;
}

}  // namespace audio_latency::examples
