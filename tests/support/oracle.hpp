// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "audio_latency/wire/treatment.h"
#include "support/packet.hpp"

namespace audio_latency::test {

// A selected window that passed the gates.
struct Selected {
  std::uint32_t offset = 0;  // of the window's last symbol
  std::uint32_t leading_zeros = 0;
  std::uint64_t signature = 0;
  auto operator<=>(const Selected&) const = default;
};

// What signature-spec says of a run of symbols, written a second time: each window hashed from its definition, XXH64 by
// libxxhash, CRC-32 bit by bit. `offset` counts from `first`, the offset of symbols[0].
std::vector<Selected> select_windows(const Bytes& symbols, std::uint32_t first, const al_settings& settings,
                                     std::uint32_t domain);
// Verbatim domain over one run of bytes; offsets count from bytes[0].
std::vector<Selected> select_verbatim(const Bytes& bytes, const al_settings& settings);

// Symbols of a companded domain, and the domain's windows over one run of audio; offsets count samples.
Bytes companded_symbols(const Bytes& audio, al_codec codec, std::uint32_t domain);
std::vector<Selected> select_companded(const Bytes& audio, al_codec codec, std::uint32_t domain,
                                       const al_settings& settings);

al_settings oracle_settings(al_algorithm algorithm = AL_XXHASH, std::uint8_t window = 64, std::uint8_t selectivity = 8);

}  // namespace audio_latency::test
