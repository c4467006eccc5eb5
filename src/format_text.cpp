// SPDX-License-Identifier: Apache-2.0
#include "format_text.hpp"

#include <algorithm>
#include <array>

#include "format_base64.hpp"

namespace audio_latency {
namespace {

constexpr std::uint8_t kInvalid = kNoBase64;  // of hex, too
constexpr std::size_t kGroups = 1024;         // decoded at a time

constexpr std::array<std::uint8_t, 256> hex_table() {
  std::array<std::uint8_t, 256> table{};
  for (auto& value : table) value = kInvalid;
  for (unsigned i = 0; i < 10; ++i) table['0' + i] = static_cast<std::uint8_t>(i);
  for (unsigned i = 0; i < 6; ++i) table['a' + i] = table['A' + i] = static_cast<std::uint8_t>(10 + i);
  return table;
}

constexpr auto kHex = hex_table();

bool all_in(ByteSpan characters, const std::array<std::uint8_t, 256>& table) {
  return std::all_of(characters.begin(), characters.end(), [&](std::uint8_t c) { return table[c] != kInvalid; });
}

// base64 of zeros is a row of 'A's, which are hex digits, too.
TextCoding coding_of(ByteSpan characters) {
  while (!characters.empty() && characters.back() == '=') characters = characters.first(characters.size() - 1);
  const bool only_a = std::all_of(characters.begin(), characters.end(), [](std::uint8_t c) { return c == 'A'; });
  if (!only_a && all_in(characters, kHex)) return TextCoding::hex;
  return all_in(characters, kBase64) ? TextCoding::base64 : TextCoding::none;
}

}  // namespace

void TextAudio::begin(TrackId track, TextCoding expected) {
  track_ = track;
  probe_.clear();
  pending_ = 0;
  padded_ = false;
  probing_ = expected != TextCoding::base64 && expected != TextCoding::hex;
  coding_ = probing_ ? TextCoding::unknown : expected;
  if (!probing_) audio_.begin(track_, {});
}

void TextAudio::feed(ByteSpan characters, std::uint32_t sequence) {
  if (probing_) {
    probe_.take(characters, sequence);
    if (probe_.full()) decide();
  }
  if (!probing_ && !characters.empty()) decode(characters, sequence);
}

void TextAudio::decide() {
  probing_ = false;
  coding_ = coding_of(probe());
  if (coding_ == TextCoding::none) return;
  status_.layers |= coding_ == TextCoding::hex ? kLayerHex : kLayerBase64;
  audio_.begin(track_, {});
  probe_.replay([this](ByteSpan characters, std::uint32_t sequence) { decode(characters, sequence); });
}

TextCoding TextAudio::end() {
  probing_ = false;
  const TextCoding was = coding_;
  coding_ = TextCoding::none;
  return was;
}

void TextAudio::decode(ByteSpan characters, std::uint32_t sequence) {
  if (coding_ == TextCoding::base64) decode_base64(characters, sequence);
  if (coding_ == TextCoding::hex) decode_hex(characters, sequence);
}

void TextAudio::decode_base64(ByteSpan characters, std::uint32_t sequence) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): written before read
  std::array<std::uint8_t, 3 * kGroups + kBase64Behind> out;
  if (padded_) return;
  std::size_t at = 0;
  for (; at < characters.size() && pending_ != 0 && coding_ == TextCoding::base64; ++at)
    put(characters[at], sequence + static_cast<std::uint32_t>(at));
  while (coding_ == TextCoding::base64 && characters.size() - at >= 4) {
    const std::size_t from = at;
    const std::size_t most = std::min(kGroups, (characters.size() - at) / 4);
    const std::size_t groups = decode_base64_groups(characters.data() + at, most, out.data());
    at += 4 * groups;
    const std::size_t tail = groups < most ? decode_padded(characters.subspan(at).first<4>(), &out[3 * groups]) : 0;
    if (tail != 0) at += 4;
    emit(ByteSpan(out).first(3 * groups + tail), {sequence + static_cast<std::uint32_t>(from), 4, 3});
    if (groups < most) break;
  }
  for (; at < characters.size() && coding_ == TextCoding::base64; ++at)
    put(characters[at], sequence + static_cast<std::uint32_t>(at));
}

// A value's last group, which has one byte or two; returns how many: 0 where it is something else.
std::size_t TextAudio::decode_padded(std::span<const std::uint8_t, 4> group, std::uint8_t* to) {
  if (group[3] != '=') return 0;
  const std::size_t bytes = group[2] == '=' ? 1 : 2;
  const std::uint32_t first = kBase64[group[0]], second = kBase64[group[1]];
  const std::uint32_t third = bytes == 2 ? kBase64[group[2]] : 0;
  if ((first | second | third) > 63) return 0;
  padded_ = true;
  to[0] = static_cast<std::uint8_t>(first << 2 | second >> 4);
  if (bytes == 2) to[1] = static_cast<std::uint8_t>(second << 4 | third >> 2);
  return bytes;
}

void TextAudio::decode_hex(ByteSpan characters, std::uint32_t sequence) {
  std::array<std::uint8_t, kGroups> out;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before read
  std::size_t at = 0;
  if (pending_ != 0 && !characters.empty()) put(characters[at++], sequence);
  while (coding_ == TextCoding::hex && characters.size() - at >= 2) {
    const std::size_t from = at;
    std::size_t groups = 0;
    for (; groups < kGroups && characters.size() - at >= 2; ++groups, at += 2) {
      const std::uint8_t high = kHex[characters[at]];
      const std::uint8_t low = kHex[characters[at + 1]];
      if (((high | low) & 0xf0) != 0) break;
      out[groups] = static_cast<std::uint8_t>(high << 4 | low);
    }
    emit(ByteSpan(out).first(groups), {sequence + static_cast<std::uint32_t>(from), 2, 1});
    if (groups < kGroups) break;
  }
  for (; at < characters.size() && coding_ == TextCoding::hex; ++at)
    put(characters[at], sequence + static_cast<std::uint32_t>(at));
}

// One character; what is not of the alphabet says that the value is something else.
void TextAudio::put(std::uint8_t character, std::uint32_t sequence) {
  const bool base64 = coding_ == TextCoding::base64;
  const std::uint8_t value = base64 ? kBase64[character] : kHex[character];
  padded_ = padded_ || (base64 && character == '=');
  if (padded_) return;
  if (value == kInvalid) {
    coding_ = TextCoding::none;
    return;
  }
  bits_ = base64 ? bits_ << 6 | value : bits_ << 4 | value;
  ++pending_;
  if (pending_ > 1) {  // base64: the second, third and fourth character complete a byte each
    const unsigned spare = base64 ? 8U - 2U * pending_ : 0;
    const auto byte = static_cast<std::uint8_t>(bits_ >> spare);
    emit({&byte, 1}, {sequence});
  }
  if (pending_ == (base64 ? 4 : 2)) pending_ = 0;
}

void TextAudio::emit(ByteSpan bytes, const Places& places) {
  if (!bytes.empty()) audio_.audio(track_, bytes, places);
}

}  // namespace audio_latency
