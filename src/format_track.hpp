// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "format_front.hpp"
#include "format_scan.hpp"
#include "format_statistics.hpp"
#include "format_wav.hpp"
#include "prefetch.hpp"

namespace audio_latency {

// One stream of decoded audio: a file header in front is read, the codec is told by what is said, else by the samples,
// which are looked at again from time to time; then it is scanned.
class AudioTrack {
 public:
  enum class Content : std::uint8_t { unknown, audio, compressed, not_audio };

  AudioTrack(AudioScanner& scanner, DecodeStatus& status) : scanner_(scanner), status_(status) {}

  void begin(const AudioFormat& said);
  void audio(ByteSpan bytes, const Places& places, const Payload& packet);
  void gap();

  Content content() const { return content_; }
  const AudioFormat& format() const { return format_; }
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t signatures() const { return signatures_; }
  const SampleStatistics& statistics() const { return statistics_; }
  void prefetch() const { audio_latency::prefetch(this, &patience_); }

 private:
  static constexpr std::size_t kMagic = 4;  // bytes that tell a file's type
  // Bytes until the next look, twice as many after each that agrees with the last: where there is sound, and where not.
  static constexpr std::uint64_t kLookAgain = 64 * 1024;
  static constexpr std::uint64_t kDoubt = 2 * 1024;
  static constexpr std::uint64_t kMostPatience = 256 * 1024;

  void front_byte(std::uint8_t byte, std::uint32_t place, const Payload& packet);
  void pass(ByteSpan bytes, const Places& places, const Payload& packet);
  void look(ByteSpan bytes);
  void decide();
  void become(const AudioFormat& format);

  // What each piece asks for comes first.
  AudioScanner& scanner_;
  DecodeStatus& status_;
  AudioFormat format_;
  Content content_ = Content::unknown;
  bool said_ = false;  // the codec is known, not guessed
  bool at_front_ = true;
  bool looking_ = true;
  std::uint8_t phase_ = 0;  // of the run: 1 behind an odd number of bytes
  std::uint8_t disagreements_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t signatures_ = 0;
  std::uint64_t look_again_at_ = 0;
  std::unique_ptr<WavHeader> wav_;
  Front<kMagic> front_;
  AudioRun run_;

  std::uint64_t patience_ = kDoubt;
  SampleStatistics statistics_{true};
};

// The tracks of one flow. Bounded: of more than kTracks, the one that was idle longest goes.
class AudioTracks : public AudioSink {
 public:
  static constexpr std::size_t kTracks = 128;  // as many streams as servers allow on a connection (RFC 9113, 6.5.2)

  AudioTracks(AudioScanner& scanner, DecodeStatus& status) : scanner_(scanner), status_(status) {}

  // Whose bytes the next calls hand over.
  void set_packet(const Payload* packet) { packet_ = packet; }

  void begin(TrackId id, const AudioFormat& said) override;
  void audio(TrackId track, ByteSpan bytes, const Places& places) override;
  void gap() override;

  // The one with most bytes among those of the best content; null: none.
  const AudioTrack* main() const { return main_; }
  std::uint64_t signatures() const { return signatures_; }
  std::uint64_t bytes() const { return bytes_; }
  // Asks for what the next bytes need; the second wants what the first has brought.
  void prefetch_entries() const { prefetch(entries_.data()); }
  void prefetch_track() const {
    if (latest_ < entries_.size()) entries_[latest_].track->prefetch();
  }

 private:
  struct Entry {
    TrackId id = 0;
    std::uint64_t used = 0;
    std::unique_ptr<AudioTrack> track;
  };
  AudioTrack& find(TrackId id);
  void compare(const AudioTrack& changed);
  void find_main();

  AudioScanner& scanner_;
  DecodeStatus& status_;
  const Payload* packet_ = nullptr;
  std::vector<Entry> entries_;
  std::size_t latest_ = 0;
  const AudioTrack* main_ = nullptr;
  int main_rank_ = 0;
  std::uint64_t clock_ = 0;
  std::uint64_t signatures_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace audio_latency
