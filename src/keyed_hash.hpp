// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "audio_latency/net.hpp"

namespace audio_latency {

// A keyed 128-to-64-bit hash (folded multiplication, as in wyhash). The key is secret and per process, because the
// signatures' seeds are public: nobody can aim at one bucket.
class KeyedHash {
 public:
  KeyedHash();  // key from getrandom(2)
  std::uint64_t operator()(std::uint64_t a, std::uint64_t b) const { return fold(a ^ key_[0], b ^ key_[1]); }
  std::uint64_t operator()(const FlowKey& flow) const;

 private:
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }
  std::uint64_t key_[2];
};

}  // namespace audio_latency
