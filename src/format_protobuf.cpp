// SPDX-License-Identifier: Apache-2.0
#include "format_protobuf.hpp"

#include <algorithm>

namespace audio_latency {
namespace {

constexpr std::uint64_t kShortField = 32;  // bytes: shorter ones are not audio
constexpr std::uint64_t kHighestNumber = 64;

enum Wire : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

// 0: does not end within `bytes`.
std::size_t read_varint(ByteSpan bytes, std::uint64_t& value) {
  value = 0;
  for (std::size_t at = 0; at < bytes.size() && at < 10; ++at) {
    value |= static_cast<std::uint64_t>(bytes[at] & 0x7f) << (7 * at);
    if ((bytes[at] & 0x80) == 0) return at + 1;
  }
  return 0;
}

}  // namespace

bool looks_like_protobuf(ByteSpan front, std::uint64_t length) {
  std::uint64_t at = 0;
  while (at < length && at < front.size()) {
    std::uint64_t tag = 0;
    std::size_t size = read_varint(front.subspan(at), tag);
    if (size == 0 || tag >> 3 == 0 || tag >> 3 > kHighestNumber) return false;
    at += size;
    std::uint64_t value = 0;
    switch (tag & 7) {
      case kVarint:
        size = read_varint(front.subspan(at), value);
        if (size == 0) return false;
        at += size;
        break;
      case kFixed64:
        at += 8;
        break;
      case kFixed32:
        at += 4;
        break;
      case kBytes:
        size = read_varint(front.subspan(at), value);
        if (size == 0 || value > length || at + size + value > length) return false;
        at += size + value;
        if (2 * value >= length) return length - at <= 64;
        break;
      default:
        return false;
    }
  }
  return false;
}

void ProtobufDecoder::begin_message(TrackId track, std::uint64_t length) {
  levels_ = 1;
  remaining_[0] = length;
  track_[0] = track;
  state_ = State::tag;
  value_ = 0;
  shift_ = 0;
  if (length == 0) levels_ = 0;
}

void ProtobufDecoder::gap() {
  levels_ = 0;
  audio_.gap();
}

void ProtobufDecoder::feed(ByteSpan bytes, std::uint32_t sequence) {
  for (std::size_t at = 0; at < bytes.size() && levels_ > 0;) {
    const std::uint32_t place = sequence + static_cast<std::uint32_t>(at);
    if (state_ == State::skip || state_ == State::audio) {
      const std::uint64_t size = std::min<std::uint64_t>(field_, bytes.size() - at);
      if (state_ == State::audio) audio_.audio(field_track_, bytes.subspan(at, size), {place});
      field_ -= size;
      if (field_ == 0) state_ = State::tag;
      at += size;
      consume(size);
    } else {
      take(bytes[at++], place);
    }
  }
}

// Bytes of the innermost message are done; messages that end with them are left.
void ProtobufDecoder::consume(std::uint64_t bytes) {
  for (std::uint32_t level = 0; level < levels_; ++level) remaining_[level] -= std::min(bytes, remaining_[level]);
  while (levels_ > 0 && remaining_[levels_ - 1] == 0) --levels_;
  if (levels_ == 0) state_ = State::tag;
}

// True: the last byte of the number, which is in value_.
bool ProtobufDecoder::varint(std::uint8_t byte) {
  if (shift_ < 64) value_ |= static_cast<std::uint64_t>(byte & 0x7f) << shift_;
  shift_ = static_cast<std::uint8_t>(shift_ + 7);
  if ((byte & 0x80) == 0) return true;
  if (shift_ >= 70) levels_ = 0;  // no number is so long: this is not protobuf
  return false;
}

void ProtobufDecoder::take(std::uint8_t byte, std::uint32_t sequence) {
  if (state_ == State::front) {
    ByteSpan one(&byte, 1);
    front_.take(one, sequence);
    if (front_.full()) front_complete();
    return;
  }
  const bool complete = varint(byte);
  const State was = state_;
  if (complete && was == State::tag) tag_complete();
  if (complete && was == State::varint) state_ = State::tag;
  const std::uint64_t value = value_;
  if (complete) {
    value_ = 0;
    shift_ = 0;
  }
  consume(1);
  if (complete && was == State::length && levels_ > 0) field_of(value);
}

void ProtobufDecoder::tag_complete() {
  const std::uint64_t number = value_ >> 3;
  field_track_ = levels_ > 0 ? track_[levels_ - 1] * 0x9e3779b97f4a7c15ULL + number : 0;
  switch (value_ & 7) {
    case kVarint:
      state_ = State::varint;
      break;
    case kFixed64:
      state_ = State::skip;
      field_ = 8;
      break;
    case kFixed32:
      state_ = State::skip;
      field_ = 4;
      break;
    case kBytes:
      state_ = State::length;
      break;
    default:
      levels_ = 0;
  }
  if (number == 0) levels_ = 0;
}

void ProtobufDecoder::field_of(std::uint64_t length) {
  if (length > remaining_[levels_ - 1]) {
    levels_ = 0;  // longer than the message that it is in
    return;
  }
  field_ = length;
  front_.clear();
  state_ = length == 0 ? State::tag : length < kShortField ? State::skip : State::front;
}

void ProtobufDecoder::front_complete() {
  const Front<kFront> front = front_;
  if (levels_ < kLevels && looks_like_protobuf(front.bytes(), field_)) {
    remaining_[levels_] = field_;
    track_[levels_++] = field_track_;
    state_ = State::tag;
    // Its first bytes are read again, now as fields of their own; so deep as there are levels.
    front.replay([this](ByteSpan bytes, std::uint32_t sequence) { feed(bytes, sequence); });
    return;
  }
  status_.layers |= kLayerProtobuf;
  audio_.begin(field_track_, {});
  front.replay([this](ByteSpan bytes, std::uint32_t sequence) { audio_.audio(field_track_, bytes, {sequence}); });
  field_ -= kFront;
  state_ = field_ == 0 ? State::tag : State::audio;
  consume(kFront);
}

}  // namespace audio_latency
