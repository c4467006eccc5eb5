// SPDX-License-Identifier: Apache-2.0
#include "format_json.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "format_json_marks.hpp"

namespace audio_latency {
namespace {

// What stands between strings, but for values that are none.
constexpr std::array<bool, 256> between_table() {
  std::array<bool, 256> table{};
  for (const char c : std::string_view(",:{}[] ")) table[static_cast<std::uint8_t>(c)] = true;
  return table;
}
constexpr auto kBetween = between_table();

bool is_between(ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t c) { return kBetween[c]; });
}

constexpr std::uint64_t kTrack = hash_name("track"), kChannel = hash_name("channel");
constexpr std::uint64_t kType = hash_name("type"), kEvent = hash_name("event");

// A bit for each name, of 64: most names have one that no other has.
constexpr unsigned kBitShift = 58;
constexpr std::uint64_t bit_of(std::uint64_t name) {
  return std::uint64_t{1} << (name >> kBitShift);
}
constexpr std::uint64_t kTelling = bit_of(kTrack) | bit_of(kChannel) | bit_of(kType) | bit_of(kEvent);

}  // namespace

void JsonDecoder::begin() {
  if (state_ != State::outside) text_.end();
  state_ = State::outside;
  after_colon_ = false;
  depth_ = 0;
  name_ = kNoName;
  track_ = kind_ = 0;
}

void JsonDecoder::gap() {
  begin();
  audio_.gap();
}

void JsonDecoder::feed(ByteSpan bytes, std::uint32_t sequence) {
  const std::uint8_t* const end = bytes.data() + bytes.size();
  const std::uint8_t* from = rest_of_string(bytes, bytes.data(), sequence);
  JsonMarks marks(bytes, from);
  bool colon = after_colon_;
  while (from != end) {
    const std::uint8_t* opens = marks.next();
    colon = structure({from, opens}, colon);
    if (opens == end) break;
    from = opens + 1;
    if (*opens != '"') continue;
    const bool value = std::exchange(colon, false);
    const std::uint8_t* closes = marks.next();
    if (closes != end && *closes == '"') {
      const std::uint32_t place = sequence + static_cast<std::uint32_t>(from - bytes.data());
      const ByteSpan characters(from, closes);
      from = closes + 1;
      if (value) {
        whole_value(characters, place);
        continue;
      }
      close_key(characters);
      if (state_ == State::outside) continue;
    } else {
      open(value);
      from = part_of_string(bytes, from, closes, sequence);
    }
    from = rest_of_string(bytes, from, sequence);
    marks = JsonMarks(bytes, from);
  }
  after_colon_ = colon;
}

// What stands between strings. Returns whether a value comes next.
bool JsonDecoder::structure(ByteSpan bytes, bool colon) {
  for (const std::uint8_t character : bytes) {
    if (character == ':') {
      colon = true;
    } else if (character == ',') {
      colon = false;
    } else if (character == '{') {
      colon = false;
      if (depth_ < UINT16_MAX) ++depth_;
    } else if (character == '}') {
      colon = false;
      if (depth_ > 0 && --depth_ == 0) track_ = kind_ = 0;
    }
  }
  return colon;
}

// A string whose end is not known yet.
void JsonDecoder::open(bool value) {
  state_ = value ? State::value : State::key;
  key_size_ = 0;
  if (value) text_.begin(name_ ^ kind_ ^ track_, known(name_ ^ kind_));
}

// Most are too short to be looked at, and their names say nothing.
void JsonDecoder::whole_value(ByteSpan characters, std::uint32_t sequence) {
  const bool brief = characters.size() < TextAudio::kProbe;
  if (!brief || ((kTelling | audio_names_) >> (name_ >> kBitShift) & 1) != 0) notable_value(characters, sequence);
}

void JsonDecoder::notable_value(ByteSpan characters, std::uint32_t sequence) {
  const bool sure = (audio_names_ & bit_of(name_)) != 0 && known(name_ ^ kind_) != TextCoding::unknown;
  if (characters.size() < TextAudio::kProbe && !sure) {
    tell(characters);
    return;
  }
  open(true);
  text_.feed(characters, sequence);
  close_value();
}

// Of a string that has begun, up to its end or the piece's. Returns where what follows begins.
const std::uint8_t* JsonDecoder::rest_of_string(ByteSpan bytes, const std::uint8_t* from, std::uint32_t sequence) {
  const std::uint8_t* const end = bytes.data() + bytes.size();
  while (state_ != State::outside && from != end) {
    if (state_ < State::escape) {
      from = part_of_string(bytes, from, JsonMarks(bytes, from).next(), sequence);
    } else {
      escaped(*from, sequence + static_cast<std::uint32_t>(from - bytes.data()));
      ++from;
    }
  }
  return from;
}

// Up to `mark`, and with it.
const std::uint8_t* JsonDecoder::part_of_string(ByteSpan bytes, const std::uint8_t* from, const std::uint8_t* mark,
                                                std::uint32_t sequence) {
  in_string({from, mark}, sequence + static_cast<std::uint32_t>(from - bytes.data()));
  if (mark == bytes.data() + bytes.size()) return mark;
  const bool key = state_ == State::key;
  if (*mark < 0x20 || (key && key_size_ > kLongestKey)) {
    begin();  // no control character stands in a string, no key is so long: this was none
  } else if (*mark == '\\') {
    string_ = state_;
    state_ = State::escape;
  } else if (key) {
    close_key(ByteSpan(key_).first(key_size_));
  } else {
    close_value();
  }
  return mark + 1;
}

void JsonDecoder::in_string(ByteSpan characters, std::uint32_t sequence) {
  if (state_ == State::value) {
    text_.feed(characters, sequence);
    return;
  }
  const std::size_t some = std::min(characters.size(), key_.size() - key_size_);
  std::copy_n(characters.begin(), some, key_.begin() + key_size_);
  key_size_ = static_cast<std::uint8_t>(key_size_ + some);
}

void JsonDecoder::close_key(ByteSpan name) {
  state_ = State::outside;
  if (name.size() > kLongestKey) {
    begin();
  } else if (!name.empty() && kBetween[name.front()] && is_between(name)) {
    open(false);  // began in the middle of a string: this quote opens one
  } else {
    name_ = hash_name(name);
  }
}

void JsonDecoder::close_value() {
  if (text_.probing()) tell(text_.probe());
  state_ = State::outside;
  const TextCoding coding = text_.end();
  if (coding == TextCoding::unknown) return;
  if (coding != TextCoding::none) status_.layers |= kLayerJson;
  remember(name_ ^ kind_, coding);
}

// A short value may tell what follows in this message.
void JsonDecoder::tell(ByteSpan value) {
  const bool track = name_ == kTrack || name_ == kChannel;
  const bool kind = depth_ <= 1 && (name_ == kType || name_ == kEvent);
  if (track || kind) (track ? track_ : kind_) = hash_name(value) * kNamePrime;  // not what a key's name may be
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
  in_string({&meant, 1}, sequence);
}

TextCoding JsonDecoder::known(std::uint64_t name) const {
  const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const Key& key) { return key.name == name; });
  return found != keys_.end() ? found->coding : TextCoding::unknown;
}

void JsonDecoder::remember(std::uint64_t name, TextCoding coding) {
  const Key now = coding == TextCoding::none ? Key{} : Key{name, coding};
  for (Key& key : keys_) {
    if (key.name != name) continue;
    key = now;
    return;
  }
  if (coding == TextCoding::none) return;
  audio_names_ |= bit_of(name_);
  keys_[next_key_] = now;
  next_key_ = static_cast<std::uint8_t>((next_key_ + 1) % keys_.size());
}

}  // namespace audio_latency
