// SPDX-License-Identifier: Apache-2.0
#include <random>

#include "framing.hpp"
#include "rtp.hpp"

namespace audio_latency::examples {
namespace {

// Static types of RFC 3551; L16 has one for 44.1 kHz only.
std::uint8_t payload_type(const StreamFormat& format) {
  constexpr std::uint8_t kDynamic = 96;
  if (format.codec == Codec::pcm16be) {
    return format.rate == 44'100 ? 11 : kDynamic;
  }
  return format.rate != 8000 ? kDynamic : format.codec == Codec::pcma ? 8 : 0;
}

class RtpWriter : public AudioWriter {
 public:
  RtpWriter(Fd socket, const StreamFormat& format)
      : socket_(std::move(socket)), width_(bytes_per_sample(format.codec)) {
    std::random_device random;
    header_ = {payload_type(format), true, static_cast<std::uint16_t>(random()), random(), random()};
  }

  Status write(std::span<const std::uint8_t> audio) override {
    const auto header = encode(header_);
    std::vector<std::uint8_t> packet(header.begin(), header.end());
    packet.insert(packet.end(), audio.begin(), audio.end());
    ++header_.sequence;
    header_.timestamp += static_cast<std::uint32_t>(audio.size() / width_);
    header_.marker = false;
    return send_all(socket_, packet);
  }

 private:
  Fd socket_;
  std::size_t width_;
  RtpHeader header_;
};

class RtpReader : public AudioReader {
 public:
  void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& audio) override {
    const auto payload = rtp_payload(bytes);
    audio.insert(audio.end(), payload.begin(), payload.end());
  }
};

}  // namespace

MadeWriter make_rtp_writer(const StreamFormat& format, Fd socket) {
  return std::unique_ptr<AudioWriter>(std::make_unique<RtpWriter>(std::move(socket), format));
}

MadeReader make_rtp_reader() {
  return std::unique_ptr<AudioReader>(std::make_unique<RtpReader>());
}

}  // namespace audio_latency::examples
