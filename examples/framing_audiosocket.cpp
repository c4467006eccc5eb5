// SPDX-License-Identifier: Apache-2.0
// Asterisk AudioSocket: a byte of kind, a length of two bytes (big-endian), payload.
#include <algorithm>
#include <array>
#include <random>

#include "framing.hpp"

namespace audio_latency::examples {
namespace {

constexpr std::uint8_t kUuid = 0x01;
constexpr std::uint8_t kAudio = 0x10;  // 8 kHz; those behind it are of the rates below
constexpr std::array<std::uint32_t, 9> kRates = {8000, 12'000, 16'000, 24'000, 32'000, 44'100, 48'000, 96'000, 192'000};
constexpr std::size_t kHeader = 3;

std::vector<std::uint8_t> message(std::uint8_t kind, std::span<const std::uint8_t> payload) {
  std::vector<std::uint8_t> bytes{kind, static_cast<std::uint8_t>(payload.size() >> 8),
                                  static_cast<std::uint8_t>(payload.size())};
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

class AudioSocketWriter : public AudioWriter {
 public:
  AudioSocketWriter(Fd socket, std::uint8_t kind) : socket_(std::move(socket)), kind_(kind) {}
  Status write(std::span<const std::uint8_t> audio) override { return send_all(socket_, message(kind_, audio)); }

 private:
  Fd socket_;
  std::uint8_t kind_;
};

class AudioSocketReader : public AudioReader {
 public:
  void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& audio) override {
    waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
    std::size_t at = 0;
    while (waiting_.size() - at >= kHeader) {
      const std::size_t length = waiting_[at + 1] << 8U | waiting_[at + 2];
      if (waiting_.size() - at - kHeader < length) {
        break;
      }
      const auto payload = waiting_.begin() + static_cast<std::ptrdiff_t>(at + kHeader);
      if (waiting_[at] >= kAudio && waiting_[at] < kAudio + kRates.size()) {
        audio.insert(audio.end(), payload, payload + static_cast<std::ptrdiff_t>(length));
      }
      at += kHeader + length;
    }
    waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(at));
  }

 private:
  std::vector<std::uint8_t> waiting_;
};

}  // namespace

MadeWriter make_audiosocket_writer(const StreamFormat& format, Fd socket, Role role) {
  const auto rate = std::find(kRates.begin(), kRates.end(), format.rate);
  if (rate == kRates.end()) {
    return Error{"audiosocket has no kind of message for " + std::to_string(format.rate) + " Hz"};
  }
  if (role == Role::client) {
    std::array<std::uint8_t, 16> uuid{};
    std::random_device random;
    std::generate(uuid.begin(), uuid.end(), [&random] { return static_cast<std::uint8_t>(random()); });
    if (const Status sent = send_all(socket, message(kUuid, uuid)); !sent) {
      return sent.error();
    }
  }
  const auto kind = static_cast<std::uint8_t>(kAudio + (rate - kRates.begin()));
  return std::unique_ptr<AudioWriter>(std::make_unique<AudioSocketWriter>(std::move(socket), kind));
}

MadeReader make_audiosocket_reader() {
  return std::unique_ptr<AudioReader>(std::make_unique<AudioSocketReader>());
}

}  // namespace audio_latency::examples
