// SPDX-License-Identifier: Apache-2.0
#include "format_compand.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "audio_latency/wire/companding.h"

namespace audio_latency::test {
namespace {

std::vector<std::uint8_t> every_sample(bool big_endian) {
  std::vector<std::uint8_t> bytes;
  for (unsigned value = 0; value < 65'536; ++value) {
    const auto low = static_cast<std::uint8_t>(value);
    const auto high = static_cast<std::uint8_t>(value >> 8);
    bytes.push_back(big_endian ? high : low);
    bytes.push_back(big_endian ? low : high);
  }
  return bytes;
}

TEST(Compand, EverySampleAsTheReferenceHasIt) {
  for (const bool big : {false, true}) {
    const std::vector<std::uint8_t> bytes = every_sample(big);
    std::vector<std::uint8_t> mu(65'536);
    std::vector<std::uint8_t> a(65'536);
    compand(Domain::mu_law, big, bytes.data(), mu.size(), mu.data());
    compand(Domain::a_law, big, bytes.data(), a.size(), a.data());
    for (unsigned value = 0; value < 65'536; ++value) {
      ASSERT_EQ(mu[value], al_mu_law_encode(static_cast<std::int16_t>(value))) << value;
      ASSERT_EQ(a[value], al_a_law_encode(static_cast<std::int16_t>(value))) << value;
    }
  }
}

TEST(Compand, AnyCountAtAnyAddressAndNoFurther) {
  const std::vector<std::uint8_t> bytes = every_sample(false);
  for (std::size_t count = 0; count < 40; ++count) {
    for (std::size_t at = 1; at < 60'000; at += 7'777) {
      const std::vector<std::uint8_t> exact(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                            bytes.begin() + static_cast<std::ptrdiff_t>(at + 2 * count));
      std::vector<std::uint8_t> codes(count + 1, 0x5a);
      compand(Domain::mu_law, false, exact.data(), count, codes.data());
      for (std::size_t i = 0; i < count; ++i)
        ASSERT_EQ(codes[i], al_mu_law_encode(static_cast<std::int16_t>(exact[2 * i] | exact[2 * i + 1] << 8)));
      ASSERT_EQ(codes[count], 0x5a);
    }
  }
}

TEST(Compand, MuLawHasOneZero) {
  for (std::size_t count = 0; count < 40; ++count) {
    for (unsigned first = 0; first < 256; ++first) {
      std::vector<std::uint8_t> codes(count);
      for (std::size_t i = 0; i < count; ++i) codes[i] = static_cast<std::uint8_t>(first + i);
      std::vector<std::uint8_t> recoded(count + 1, 0x5a);
      one_mu_law_zero(codes, recoded.data());
      for (std::size_t i = 0; i < count; ++i)
        ASSERT_EQ(recoded[i], al_recode(AL_TABLE_MU_TO_MU, codes[i])) << +codes[i];
      ASSERT_EQ(recoded[count], 0x5a);
    }
  }
}

}  // namespace
}  // namespace audio_latency::test
