// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace audio_latency {

// Asks for the cache lines from `from` to before `to`, of memory that will be used soon. Neither need be valid.
inline void prefetch(const void* from, const void* to) {
  constexpr std::uintptr_t kLine = 64;
  const auto end = reinterpret_cast<std::uintptr_t>(to);
  for (auto at = reinterpret_cast<std::uintptr_t>(from) & ~(kLine - 1); at < end; at += kLine)
    __builtin_prefetch(reinterpret_cast<const void*>(at));  // NOLINT(performance-no-int-to-ptr)
}
template <class T>
void prefetch(const T* object) {
  prefetch(object, object + 1);
}

}  // namespace audio_latency
