// SPDX-License-Identifier: Apache-2.0
#include "format_rtp_pace.hpp"

#include <algorithm>
#include <array>

namespace audio_latency {
namespace {

// Timestamps that a packet of compressed audio takes: frames of 2.5 to 120 ms of Opus (RFC 7587, 4.1), of 10 to 60 ms
// of codecs that count at 8, 16 or 32 kHz, of 1024 samples of AAC. None is a frame of video at 90 kHz and 10 to 120 Hz.
constexpr std::array<std::uint32_t, 16> kAudioFrames = {80,   120,  160,  240,  320,  480,  640,  960,
                                                        1024, 1280, 1440, 1920, 2048, 2880, 3840, 5760};

}  // namespace

void RtpPace::add(const al_rtp& rtp, std::size_t payload_bytes, EventTime time) {
  const std::uint32_t step = rtp.timestamp - last_.timestamp;
  if (packets_++ == 0) {
    first_timestamp_ = rtp.timestamp;
    first_time_ = time;
  } else if (step == 0) {
    ++shared_;
  } else if (static_cast<std::uint16_t>(rtp.sequence - last_.sequence) == 1) {
    if (step != step_ && ahead_ == 0) step_ = step;
    ahead_ = step == step_ ? ahead_ + 1 : ahead_ - 1;
  }
  bytes_ += payload_bytes;
  last_ = rtp;
  last_bytes_ = payload_bytes;
  last_time_ = time;
}

bool RtpPace::steps_by_audio_frames() const {
  return 2 * ahead_ > packets_ && std::find(kAudioFrames.begin(), kAudioFrames.end(), step_) != kAudioFrames.end();
}

double RtpPace::bytes_per_tick() const {
  const std::uint32_t ticks = last_.timestamp - first_timestamp_;
  return ticks == 0 ? 0 : static_cast<double>(bytes_ - last_bytes_) / ticks;
}

double RtpPace::clock() const {
  const double seconds = static_cast<double>(last_time_ - first_time_) * 1e-9;
  return seconds > 0 ? static_cast<std::int32_t>(last_.timestamp - first_timestamp_) / seconds : 0;
}

}  // namespace audio_latency
