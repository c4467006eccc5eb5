// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "audio_latency/observation.hpp"

namespace audio_latency {

// Linear 16-bit samples as G.711 codes, the same as al_mu_law_encode() and al_a_law_encode() give, several at a time
// without a table, whose 64 KiB displace what else the first-level cache holds. `domain`: mu_law or a_law. `samples`:
// 2 * count bytes at any address; `codes`: room for count.
void compand(Domain domain, bool big_endian, const std::uint8_t* samples, std::size_t count, std::uint8_t* codes);

// G.711 mu-law codes as they would be encoded anew: its two zeros, 0xff and 0x7f, become one, 0xff. `to`: room for as
// many.
void one_mu_law_zero(std::span<const std::uint8_t> codes, std::uint8_t* to);

}  // namespace audio_latency
