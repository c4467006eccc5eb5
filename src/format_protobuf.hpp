// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "format_front.hpp"

namespace audio_latency {

// Do the first bytes of something `length` bytes long read as a protobuf message most of which is one bytes field?
bool looks_like_protobuf(ByteSpan front, std::uint64_t length);

// Audio in the bytes fields of protobuf messages (protobuf.dev, "Encoding"), whatever their numbers; embedded messages
// are looked into. Fields of one number continue one another.
class ProtobufDecoder : public Decoder {
 public:
  ProtobufDecoder(AudioSink& audio, DecodeStatus& status) : audio_(audio), status_(status) {}

  void begin_message(TrackId track, std::uint64_t length);
  void feed(ByteSpan bytes, std::uint32_t sequence) override;
  void begin() override { levels_ = 0; }
  void gap() override;

 private:
  static constexpr std::uint32_t kLevels = 4;  // of embedded messages
  static constexpr std::size_t kFront = 24;    // bytes of a field that tell whether it is a message
  enum class State : std::uint8_t { tag, length, varint, skip, front, audio };

  void take(std::uint8_t byte, std::uint32_t sequence);
  void tag_complete();
  void field_of(std::uint64_t length);
  void front_complete();
  void consume(std::uint64_t bytes);
  bool varint(std::uint8_t byte);

  AudioSink& audio_;
  DecodeStatus& status_;
  State state_ = State::tag;
  std::uint32_t levels_ = 0;                        // 0: no message; all is passed over
  std::array<std::uint64_t, kLevels> remaining_{};  // of the message at each level
  std::array<TrackId, kLevels> track_{};
  TrackId field_track_ = 0;
  std::uint64_t value_ = 0;  // varint so far
  std::uint8_t shift_ = 0;
  std::uint64_t field_ = 0;  // bytes left of the field
  Front<kFront> front_;
};

}  // namespace audio_latency
