// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "format_json.hpp"

namespace audio_latency {

// Server-sent events (WHATWG HTML, 9.2): the data of `data:` lines is JSON, or base64 or hex itself.
class SseDecoder : public Decoder {
 public:
  SseDecoder(AudioSink& audio, DecodeStatus& status) : audio_(audio), json_(audio, status), text_(audio, status) {}

  void feed(ByteSpan bytes, std::uint32_t sequence) override;
  void begin() override;
  void gap() override;

 private:
  enum class State : std::uint8_t { line_start, field, space, data, skip };

  bool take(std::uint8_t byte);
  void data(ByteSpan bytes, std::uint32_t sequence);
  void end_event();
  void end_line(std::uint8_t byte);

  AudioSink& audio_;
  JsonDecoder json_;
  TextAudio text_;
  State state_ = State::line_start;
  bool in_text_ = false;      // the event's data is the audio itself
  bool line_begins_ = false;  // nothing of this line's data has been seen
  bool event_begins_ = true;
  std::uint8_t matched_ = 0;  // of the field's name
  bool is_data_ = false;
  bool after_return_ = false;
  TextCoding coding_ = TextCoding::unknown;
};

}  // namespace audio_latency
