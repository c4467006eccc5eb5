// SPDX-License-Identifier: Apache-2.0
#include "format_statistics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>

#include "audio_latency/wire/g711.h"

namespace audio_latency {
namespace {

constexpr std::array<SampleReading, SampleStatistics::kReadings> kReadingsAre = {{{AL_CODEC_PCM16LE, false},
                                                                                  {AL_CODEC_PCM16LE, true},
                                                                                  {AL_CODEC_PCM16BE, false},
                                                                                  {AL_CODEC_PCM16BE, true},
                                                                                  {AL_CODEC_PCMU, false},
                                                                                  {AL_CODEC_PCMA, false}}};
constexpr int kQuiet = 64;  // 16-bit linear units: below lie silence, dither, comfort noise

// Samples of a block, in one reading. Eight-bit codes by their rank, -128 to 127: companding makes speech even.
struct Samples {
  std::array<int, SampleStatistics::kBlock> values;
  std::size_t count = 0;
  int peak = 0;  // linear

  void push(int value, int linear) {
    values[count++] = value;
    peak = std::max(peak, std::abs(linear));
  }
};

int rank_mu(std::uint8_t code) {
  return (code & 0x80) != 0 ? 255 - code : code - 127;
}
int rank_a(std::uint8_t code) {
  const int even = (code ^ 0x55) & 0x7f;
  return (code & 0x80) != 0 ? even : -even;
}

// Rank and magnitude of each code, in mu-law and A-law.
struct Codes {
  std::array<std::array<std::int16_t, 256>, 2> rank;
  std::array<std::array<std::int16_t, 256>, 2> linear;
};
Codes make_codes() {
  Codes codes{};
  for (unsigned code = 0; code < 256; ++code) {
    const auto byte = static_cast<std::uint8_t>(code);
    codes.rank[0][code] = static_cast<std::int16_t>(rank_mu(byte));
    codes.rank[1][code] = static_cast<std::int16_t>(rank_a(byte));
    codes.linear[0][code] = al_mu_law_decode(byte);
    codes.linear[1][code] = al_a_law_decode(byte);
  }
  return codes;
}
const Codes kCodes = make_codes();

// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): values are written before they are read
void read_samples(ByteSpan block, bool odd, const SampleReading& reading, Samples& samples) {
  samples.count = 0;
  samples.peak = 0;
  if (reading.codec == AL_CODEC_PCMU || reading.codec == AL_CODEC_PCMA) {
    const unsigned law = reading.codec == AL_CODEC_PCMU ? 0 : 1;
    for (const std::uint8_t code : block) samples.push(kCodes.rank[law][code], kCodes.linear[law][code]);
    return;
  }
  const bool big = reading.codec == AL_CODEC_PCM16BE;
  for (std::size_t at = odd != reading.odd ? 1 : 0; at + 2 <= block.size(); at += 2) {
    const unsigned word = big ? block[at] << 8U | block[at + 1] : block[at + 1] << 8U | block[at];
    const auto value = static_cast<std::int16_t>(word);
    samples.push(value, value);
  }
}

// In whole numbers: no block's sums come near 2^63.
void add_sums(const int* x, std::size_t count, SampleStatistics::Sums& to) {
  if (count < 3) return;
  std::int64_t sum = 0, squares = 0, products = 0, roughness = 0;
  for (std::size_t n = 2; n < count; ++n) {
    const std::int64_t value = x[n];
    sum += value;
    squares += value * value;
    products += value * x[n - 1];
    roughness += std::bit_width(static_cast<unsigned>(std::abs(x[n] - 2 * x[n - 1] + x[n - 2])));
  }
  to.samples += static_cast<double>(count - 2);
  to.sum += static_cast<double>(sum);
  to.squares += static_cast<double>(squares);
  to.products += static_cast<double>(products);
  to.roughness += static_cast<double>(roughness);
}

}  // namespace

double SampleStatistics::Sums::deviation() const {
  return std::sqrt(std::max(0.0, squares / samples - mean() * mean()));
}

double SampleStatistics::Sums::correlation() const {
  const double variance = squares / samples - mean() * mean();
  return variance <= 0 ? 0 : (products / samples - mean() * mean()) / variance;
}

void SampleStatistics::add(ByteSpan bytes, std::uint32_t place) {
  while (!bytes.empty()) {
    if (partial_size_ == 0) partial_odd_ = (place & 1) != 0;
    const std::size_t part = std::min(kBlock - partial_size_, bytes.size());
    std::copy_n(bytes.begin(), part, partial_.begin() + partial_size_);
    partial_size_ = static_cast<std::uint8_t>(partial_size_ + part);
    bytes = bytes.subspan(part);
    place += static_cast<std::uint32_t>(part);
    if (partial_size_ < kBlock) return;
    partial_size_ = 0;
    add_block(partial_, partial_odd_);
  }
}

void SampleStatistics::add_block(ByteSpan block, bool odd) {
  std::array<Samples, kReadings> samples;
  int least = INT16_MAX;
  for (unsigned i = 0; i < kReadings; ++i) {
    if (rules_out(i)) continue;
    read_samples(block, odd, kReadingsAre[i], samples[i]);
    least = std::min(least, samples[i].peak);
  }
  if (least <= kQuiet) {
    ++quiet_;
    return;
  }
  ++blocks_;
  for (const std::uint8_t byte : block) ++high_nibbles_[byte >> 4];
  for (std::size_t i = 1; i < block.size(); ++i) not_utf8_ += block[i - 1] >= 0xc0 && (block[i] & 0xc0) != 0x80 ? 1 : 0;
  bytes_ += kBlock;
  for (unsigned i = 0; i < kReadings; ++i)
    if (!rules_out(i)) add_sums(samples[i].values.data(), samples[i].count, sums_[i]);
}

bool SampleStatistics::rules_out(unsigned reading) const {
  return framed_ && kReadingsAre[reading].odd;
}

double SampleStatistics::cost(unsigned reading) const {
  const bool wide = kReadingsAre[reading].codec == AL_CODEC_PCM16LE || kReadingsAre[reading].codec == AL_CODEC_PCM16BE;
  return sums_[reading].bits() / (wide ? 16 : 8);
}

unsigned SampleStatistics::likeliest() const {
  unsigned best = 0;
  for (unsigned i = 1; i < kReadings; ++i)
    if (!rules_out(i) && cost(i) < cost(best)) best = i;
  return best;
}

SampleReading SampleStatistics::reading() const {
  return kReadingsAre[likeliest()];
}

// The thresholds are those that keep recorded speech and files of every kind apart (tests/bench/bench_classify.cpp).
SampleStatistics::Verdict SampleStatistics::verdict() const {
  if (blocks_ < 8) return Verdict::undecided;
  const unsigned best = likeliest();
  const Sums& sums = sums_[best];
  const bool last = blocks_ + quiet_ >= kMost;
  const double least = blocks_ < 16 ? 0.85 : blocks_ < 32 ? 0.8 : last ? 0.7 : 0.75;
  // The other phase in the other byte order has the same high bytes: only low bytes tell the two apart.
  const bool mirrored = !framed_ && best < 4;
  const double margin = mirrored ? cost(3 - best) - cost(best) : 1;
  const bool apart = margin > (last ? 0 : blocks_ < 32 ? 0.04 : 0.02);
  if (!looks_like_text() && centred(best) && sums.correlation() > least && cost(best) < 0.72)
    return apart ? Verdict::audio : Verdict::undecided;
  return !last || doubtful() ? Verdict::undecided : Verdict::not_audio;
}

bool SampleStatistics::centred(unsigned reading) const {
  return std::abs(sums_[reading].mean()) < 0.3 * sums_[reading].deviation();
}

bool SampleStatistics::doubtful() const {
  if (blocks_ < 8 || looks_like_text()) return false;
  const unsigned best = likeliest();
  return centred(best) && sums_[best].correlation() > 0.3 && cost(best) < 0.8;
}

// Chi-squared over the high half of the bytes; 15 degrees of freedom: noise stays below 40 but once in 2,000 times.
bool SampleStatistics::looks_random() const {
  if (bytes_ < 512) return false;
  const double expected = bytes_ / 16.0;
  double distance = 0;
  for (const std::uint16_t count : high_nibbles_) distance += (count - expected) * (count - expected) / expected;
  return distance < 40;
}

bool SampleStatistics::looks_like_text() const {
  return bytes_ >= 512 && not_utf8_ == 0;
}

}  // namespace audio_latency
