// SPDX-License-Identifier: Apache-2.0
#include "format_sse.hpp"

#include <algorithm>
#include <string_view>

namespace audio_latency {
namespace {

constexpr std::string_view kData = "data";

}  // namespace

void SseDecoder::begin() {
  json_.begin();
  if (in_text_) text_.end();
  in_text_ = false;
  event_begins_ = true;
  state_ = State::line_start;
}

void SseDecoder::gap() {
  begin();
  state_ = State::skip;  // somewhere in a line
  audio_.gap();
}

void SseDecoder::feed(ByteSpan bytes, std::uint32_t sequence) {
  for (std::size_t at = 0; at < bytes.size();) {
    if (state_ != State::data && state_ != State::skip) {
      if (take(bytes[at])) ++at;
      continue;
    }
    const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = std::find_if(from, bytes.end(), [](std::uint8_t c) { return c == '\n' || c == '\r'; });
    const auto size = static_cast<std::size_t>(end - from);
    if (state_ == State::data && size > 0) data(bytes.subspan(at, size), sequence + static_cast<std::uint32_t>(at));
    at += size;
    if (end == bytes.end()) return;
    end_line(*end);
    ++at;
  }
}

// A byte before a line's data. False: it is data, and still to be read.
bool SseDecoder::take(std::uint8_t byte) {
  if (byte == '\n' || byte == '\r') {
    const bool pair = byte == '\n' && after_return_;
    if (state_ == State::line_start && !pair) end_event();
    end_line(byte);
    return true;
  }
  if (state_ == State::space) {
    state_ = State::data;  // one space behind the colon is not data
    return byte == ' ';
  }
  if (state_ == State::line_start) {
    state_ = State::field;
    matched_ = 0;
    is_data_ = true;
  }
  if (byte == ':') {
    is_data_ = is_data_ && matched_ == kData.size();
    state_ = is_data_ ? State::space : State::skip;
    line_begins_ = true;
    return true;
  }
  is_data_ = is_data_ && matched_ < kData.size() && byte == static_cast<std::uint8_t>(kData[matched_]);
  ++matched_;
  if (!is_data_) state_ = State::skip;
  return true;
}

void SseDecoder::end_event() {
  if (in_text_) coding_ = text_.end();
  in_text_ = false;
  if (!event_begins_) json_.begin();
  event_begins_ = true;
}

void SseDecoder::end_line(std::uint8_t byte) {
  state_ = State::line_start;
  after_return_ = byte == '\r';
}

void SseDecoder::data(ByteSpan bytes, std::uint32_t sequence) {
  if (event_begins_ && line_begins_) {
    const std::uint8_t first = bytes.front();
    in_text_ = first != '{' && first != '[' && first != '"';
    if (in_text_) text_.begin(0, coding_ == TextCoding::none ? TextCoding::unknown : coding_);
    event_begins_ = false;
  }
  line_begins_ = false;
  if (in_text_)
    text_.feed(bytes, sequence);
  else
    json_.feed(bytes, sequence);
}

}  // namespace audio_latency
