// SPDX-License-Identifier: Apache-2.0
#include "keyed_hash.hpp"

#include <sys/random.h>

#include <cstring>

namespace audio_latency {

KeyedHash::KeyedHash() {
  if (getrandom(key_, sizeof key_, 0) != sizeof key_) {
    // Only before the kernel's generator is seeded, early in boot: an address differs per process as well.
    key_[0] = reinterpret_cast<std::uintptr_t>(this);
    key_[1] = 0x9e3779b97f4a7c15;
  }
}

std::uint64_t KeyedHash::operator()(const FlowKey& flow) const {
  std::uint64_t words[4];
  std::memcpy(words, flow.source.ip.bytes.data(), 16);
  std::memcpy(words + 2, flow.destination.ip.bytes.data(), 16);
  const std::uint64_t ports =
      std::uint64_t{flow.source.port} << 24 | std::uint64_t{flow.destination.port} << 8 | flow.protocol;
  const std::uint64_t source = (*this)(words[0] ^ ports, words[1]);
  return (*this)(source ^ words[2], words[3] ^ ports);
}

}  // namespace audio_latency
