// SPDX-License-Identifier: Apache-2.0
#include "matcher_index.hpp"

#include <sys/random.h>

namespace audio_latency::matching {

KeyedHash::KeyedHash() {
  if (getrandom(key_, sizeof key_, 0) != sizeof key_) {
    // Only before the kernel's generator is seeded, early in boot: an address differs per process as well.
    key_[0] = reinterpret_cast<std::uintptr_t>(this);
    key_[1] = 0x9e3779b97f4a7c15;
  }
}

}  // namespace audio_latency::matching
