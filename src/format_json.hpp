// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

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
  enum class State : std::uint8_t { outside, key, value, escape, unicode };
  struct Key {
    std::uint64_t name = 0;
    TextCoding coding = TextCoding::unknown;
  };

  std::size_t outside(ByteSpan bytes);
  std::size_t in_string(ByteSpan bytes, std::uint32_t sequence);
  void escaped(std::uint8_t character, std::uint32_t sequence);
  void open();
  void close();
  void close_value();
  void in_key(ByteSpan characters);
  Key* known(std::uint64_t name);
  void remember(std::uint64_t name, TextCoding coding);
  void reset_message();

  AudioSink& audio_;
  DecodeStatus& status_;
  TextAudio text_;
  State state_ = State::outside;
  State string_ = State::key;  // what an escape returns to
  bool after_colon_ = false;
  bool structure_only_ = true;  // a "key" of nothing but commas and colons lies between two strings
  std::uint16_t depth_ = 0;
  std::uint32_t length_ = 0;  // of the string so far
  std::uint64_t name_ = 0;    // hash of the last key
  std::uint64_t track_ = 0;   // hash of what tells streams apart in this message
  std::uint64_t kind_ = 0;    // hash of the message's type
  std::uint16_t code_ = 0;    // of a \u escape
  std::uint8_t digits_ = 0;
  std::array<Key, 4> keys_{};  // whose values were audio
  std::uint8_t next_key_ = 0;
};

}  // namespace audio_latency
