// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <vector>

namespace audio_latency::examples {

// How audio is packetised anew, in bytes.
struct Cut {
  std::size_t first = 0;     // size of the first chunk: shifts all later ones against the input's; 0: as the others
  std::size_t smallest = 0;  // of each later chunk; smallest == largest: a fixed size
  std::size_t largest = 0;
};

struct Chunk {
  std::uint64_t position = 0;  // of its first byte in the stream
  std::vector<std::uint8_t> audio;
  std::int64_t arrived_ns = 0;  // when its last byte had arrived
};

// Bytes in as they arrive, chunks of the wanted sizes out.
class Recutter {
 public:
  Recutter(const Cut& cut, std::uint64_t seed);

  void add(std::span<const std::uint8_t> audio, std::int64_t arrived_ns);
  // The next chunk, once all of it is there. Call until empty after each add().
  std::optional<Chunk> next();
  // What is left when the input ends; may be empty.
  Chunk rest();

 private:
  Chunk take(std::size_t size);
  std::size_t regular_size();

  Cut cut_;
  std::mt19937_64 random_;
  std::size_t wanted_;
  std::vector<std::uint8_t> waiting_;
  std::uint64_t position_ = 0;
  std::int64_t arrived_ns_ = 0;
};

}  // namespace audio_latency::examples
