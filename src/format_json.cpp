// SPDX-License-Identifier: Apache-2.0
#include "format_json.hpp"

#include <algorithm>
#include <bit>
#include <string_view>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace audio_latency {
namespace {

constexpr std::uint64_t kFnvBasis = 0xcbf29ce484222325;  // FNV-1a, 64 bits
constexpr std::uint64_t kFnvPrime = 0x100000001b3;
constexpr std::uint32_t kLongestKey = 128;  // a longer one is text between two strings, taken for a string

constexpr std::uint64_t hash(std::uint64_t state, std::uint8_t byte) {
  return (state ^ byte) * kFnvPrime;
}

constexpr std::uint64_t hash(std::uint64_t state, ByteSpan bytes) {
  for (const std::uint8_t byte : bytes) state = hash(state, byte);
  return state;
}

consteval std::uint64_t hash_of(std::string_view text) {
  std::uint64_t state = kFnvBasis;
  for (const char c : text) state = hash(state, static_cast<std::uint8_t>(c));
  return state;
}

bool ends_string(std::uint8_t c) {
  return c == '"' || c == '\\' || c < 0x20;
}

// Up to a quote, a backslash, or a control character, which is none of a string's.
std::size_t plain_characters(ByteSpan bytes) {
  std::size_t at = 0;
#ifdef __SSE2__
  const __m128i quotes = _mm_set1_epi8('"'), backslashes = _mm_set1_epi8('\\'), controls = _mm_set1_epi8(0x1f);
  for (; at + 16 <= bytes.size(); at += 16) {
    const __m128i some = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes.data() + at));
    const __m128i strings = _mm_or_si128(_mm_cmpeq_epi8(some, quotes), _mm_cmpeq_epi8(some, backslashes));
    const __m128i ends = _mm_or_si128(strings, _mm_cmpeq_epi8(_mm_min_epu8(some, controls), some));
    if (const auto found = static_cast<std::uint32_t>(_mm_movemask_epi8(ends)))
      return at + static_cast<std::size_t>(std::countr_zero(found));
  }
#endif
  while (at < bytes.size() && !ends_string(bytes[at])) ++at;
  return at;
}

bool is_structure(std::uint8_t c) {
  return c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']' || c == ' ';
}

}  // namespace

void JsonDecoder::begin() {
  if (state_ != State::outside) text_.end();
  state_ = State::outside;
  after_colon_ = false;
  depth_ = 0;
  reset_message();
}

void JsonDecoder::reset_message() {
  track_ = 0;
  kind_ = 0;
}

void JsonDecoder::gap() {
  begin();
  audio_.gap();
}

void JsonDecoder::feed(ByteSpan bytes, std::uint32_t sequence) {
  for (std::size_t at = 0; at < bytes.size();) {
    const ByteSpan rest = bytes.subspan(at);
    const std::uint32_t place = sequence + static_cast<std::uint32_t>(at);
    switch (state_) {
      case State::outside:
        at += outside(rest);
        break;
      case State::key:
      case State::value:
        at += in_string(rest, place);
        break;
      default:
        escaped(rest.front(), place);
        ++at;
    }
  }
}

// Up to and with the quote that opens a string.
std::size_t JsonDecoder::outside(ByteSpan bytes) {
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    switch (bytes[at]) {
      case '"':
        open();
        return at + 1;
      case ':':
        after_colon_ = true;
        break;
      case '{':
        after_colon_ = false;
        if (depth_ < UINT16_MAX) ++depth_;
        break;
      case '}':
        after_colon_ = false;
        if (depth_ > 0 && --depth_ == 0) reset_message();
        break;
      case ',':
        after_colon_ = false;
        break;
      default:
        break;
    }
  }
  return bytes.size();
}

void JsonDecoder::open() {
  state_ = string_ = after_colon_ ? State::value : State::key;
  length_ = 0;
  structure_only_ = true;
  if (state_ == State::key) {
    name_ = kFnvBasis;
    return;
  }
  const Key* key = known(name_ ^ kind_);
  text_.begin(name_ ^ kind_ ^ track_, key != nullptr ? key->coding : TextCoding::unknown);
}

// Up to the next quote or escape, or all.
std::size_t JsonDecoder::in_string(ByteSpan bytes, std::uint32_t sequence) {
  const std::size_t plain = plain_characters(bytes);
  const ByteSpan characters = bytes.first(plain);
  length_ += static_cast<std::uint32_t>(plain);
  if (state_ == State::value)
    text_.feed(characters, sequence);
  else
    in_key(characters);
  if (plain == bytes.size()) return plain;
  const bool plausible = bytes[plain] >= 0x20 && !(state_ == State::key && length_ > kLongestKey);
  if (!plausible) {
    begin();  // no control character stands in a string, no key is so long: this was none
  } else if (bytes[plain] == '"') {
    close();
  } else {
    state_ = State::escape;
  }
  return plain + 1;
}

void JsonDecoder::in_key(ByteSpan characters) {
  name_ = hash(name_, characters);
  structure_only_ = structure_only_ && std::all_of(characters.begin(), characters.end(), is_structure);
}

void JsonDecoder::close() {
  if (string_ == State::value) {
    close_value();
  } else if (structure_only_ && length_ > 0) {
    // Began in the middle of a string: this quote opens one.
    after_colon_ = false;
    open();
    return;
  }
  state_ = State::outside;
  after_colon_ = false;
}

void JsonDecoder::close_value() {
  const bool tells_track = name_ == hash_of("track") || name_ == hash_of("channel");
  const bool tells_kind = depth_ <= 1 && (name_ == hash_of("type") || name_ == hash_of("event"));
  if (text_.probing() && (tells_track || tells_kind)) {
    (tells_track ? track_ : kind_) = hash(kFnvBasis, text_.probe()) * kFnvPrime;  // not what a key's name may be
  }
  const TextCoding coding = text_.end();
  if (coding == TextCoding::unknown) return;
  if (coding != TextCoding::none) status_.layers |= kLayerJson;
  remember(name_ ^ kind_, coding);
}

void JsonDecoder::escaped(std::uint8_t character, std::uint32_t sequence) {
  std::uint8_t meant = character;
  if (state_ == State::unicode) {
    const std::uint8_t lower = character | 0x20;
    const int digit = character >= '0' && character <= '9' ? character - '0'
                      : lower >= 'a' && lower <= 'f'       ? lower - 'a' + 10
                                                           : 0;
    code_ = static_cast<std::uint16_t>(code_ << 4 | digit);
    if (++digits_ < 4) return;
    meant = code_ < 0x80 ? static_cast<std::uint8_t>(code_) : 0;
  } else if (character == 'u') {
    state_ = State::unicode;
    code_ = 0;
    digits_ = 0;
    return;
  }
  state_ = string_;
  ++length_;
  if (state_ == State::value)
    text_.feed({&meant, 1}, sequence);
  else
    in_key({&meant, 1});
}

JsonDecoder::Key* JsonDecoder::known(std::uint64_t name) {
  const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const Key& key) {
    return key.name == name && key.coding != TextCoding::unknown;
  });
  return found != keys_.end() ? &*found : nullptr;
}

void JsonDecoder::remember(std::uint64_t name, TextCoding coding) {
  if (Key* key = known(name)) {
    key->coding = coding == TextCoding::none ? TextCoding::unknown : coding;
    return;
  }
  if (coding == TextCoding::none) return;
  keys_[next_key_] = {name, coding};
  next_key_ = static_cast<std::uint8_t>((next_key_ + 1) % keys_.size());
}

}  // namespace audio_latency
