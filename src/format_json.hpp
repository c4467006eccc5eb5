// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "format_json_name.hpp"
#include "format_text.hpp"

namespace audio_latency {

// Audio in the strings of JSON text (RFC 8259), whatever their keys: a tokenizer, not a tree; a message may be of any
// length. Values of one key in messages of one "type" or "event" continue one another; a "track" or "channel", before
// the audio in the same message, tells streams apart. What stands between messages (line ends, SSE fields) is passed
// over.
class JsonDecoder : public Decoder {
 public:
  JsonDecoder(AudioSink& audio, DecodeStatus& status) : audio_(audio), status_(status), text_(audio, status) {}

  void feed(ByteSpan bytes, std::uint32_t sequence) override;
  void begin() override;
  void gap() override;

 private:
  static constexpr std::size_t kLongestKey = 128;  // a longer one is text between two strings, taken for a string
  static constexpr std::uint64_t kNoName = hash_name(ByteSpan());
  enum class State : std::uint8_t { outside, key, value, escape, unicode };
  struct Key {
    std::uint64_t name = 0;
    TextCoding coding = TextCoding::unknown;
  };

  inline bool structure(ByteSpan bytes, bool colon);
  void open(bool value);
  inline void close_key(ByteSpan name);
  void notable_value(ByteSpan characters, std::uint32_t sequence);
  inline void whole_value(ByteSpan characters, std::uint32_t sequence);
  void close_value();
  const std::uint8_t* rest_of_string(ByteSpan bytes, const std::uint8_t* from, std::uint32_t sequence);
  const std::uint8_t* part_of_string(ByteSpan bytes, const std::uint8_t* from, const std::uint8_t* mark,
                                     std::uint32_t sequence);
  void in_string(ByteSpan characters, std::uint32_t sequence);
  void escaped(std::uint8_t character, std::uint32_t sequence);
  void tell(ByteSpan value);
  TextCoding known(std::uint64_t name) const;
  void remember(std::uint64_t name, TextCoding coding);

  AudioSink& audio_;
  DecodeStatus& status_;
  State state_ = State::outside;
  State string_ = State::key;  // what an escape returns to
  bool after_colon_ = false;
  std::uint8_t next_key_ = 0;
  std::uint8_t key_size_ = 0;
  std::uint8_t digits_ = 0;
  std::uint16_t code_ = 0;  // of a \u escape
  std::uint16_t depth_ = 0;
  std::uint64_t name_ = kNoName;   // hash of the last key
  std::uint64_t track_ = 0;        // hash of what tells streams apart in this message
  std::uint64_t kind_ = 0;         // hash of the message's type
  std::array<Key, 4> keys_{};      // whose values were audio
  std::uint64_t audio_names_ = 0;  // a bit for each name that a key's may be
  TextAudio text_;
  std::array<std::uint8_t, kLongestKey + 1> key_{};  // of one that came in parts: its characters so far
};

}  // namespace audio_latency
