// SPDX-License-Identifier: Apache-2.0
#include "format_track.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace audio_latency {
namespace {

constexpr const char* kRiff = "RIFF";

// Do the first four bytes belong to a file: WAVE, or compressed audio (ID3, Ogg, FLAC, WebM)?
bool is_file(ByteSpan front) {
  const auto starts = [&](const char* magic, std::size_t size) { return std::memcmp(front.data(), magic, size) == 0; };
  return starts(kRiff, 4) || starts("ID3", 3) || starts("OggS", 4) || starts("fLaC", 4) ||
         starts("\x1a\x45\xdf\xa3", 4);
}

// What is more telling comes first.
int rank(AudioTrack::Content content) {
  switch (content) {
    case AudioTrack::Content::audio:
      return 3;
    case AudioTrack::Content::compressed:
      return 2;
    case AudioTrack::Content::unknown:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

void AudioTrack::begin(const AudioFormat& said) {
  at_front_ = true;
  front_.clear();
  wav_.reset();
  if (said.codec != AL_CODEC_UNKNOWN) {
    said_ = true;
    become(said);
  } else if (said.rate != 0 && !said_) {
    format_.rate = said.rate;
    format_.channels = said.channels;
  }
}

void AudioTrack::become(const AudioFormat& format) {
  if (format.codec != format_.codec) run_.end_companded();
  format_ = format;
  content_ = format.codec == AL_CODEC_COMPRESSED ? Content::compressed : Content::audio;
}

void AudioTrack::gap() {
  run_.end();
  statistics_.gap();
  phase_ = 0;
  at_front_ = false;
  wav_.reset();
}

void AudioTrack::audio(ByteSpan bytes, const Places& places, const Payload& packet) {
  bytes_ += bytes.size();
  if (at_front_ && front_.size() == 0 && bytes.size() >= kMagic && !is_file(bytes)) at_front_ = false;
  std::size_t at = 0;
  while (at_front_ && at < bytes.size()) {
    front_byte(bytes[at], places.at(at), packet);
    ++at;
  }
  for (; at < bytes.size() && at % places.bytes != 0; ++at) pass(bytes.subspan(at, 1), {places.at(at)}, packet);
  if (at < bytes.size()) pass(bytes.subspan(at), places.from(at), packet);
}

// Of what may be a file's header.
void AudioTrack::front_byte(std::uint8_t byte, std::uint32_t place, const Payload& packet) {
  if (wav_ != nullptr) {
    const WavHeader::State state = wav_->take(byte);
    if (state == WavHeader::State::reading) return;
    at_front_ = false;
    if (state == WavHeader::State::data) {
      said_ = true;
      become(wav_->format());
      status_.layers |= kLayerWav;
    }
    wav_.reset();
    return;
  }
  ByteSpan one(&byte, 1);
  front_.take(one, place);
  if (!front_.full()) return;
  if (std::memcmp(front_.bytes().data(), kRiff, kMagic) == 0) {
    wav_ = std::make_unique<WavHeader>();
    for (const std::uint8_t each : front_.bytes()) wav_->take(each);
    return;
  }
  at_front_ = false;
  if (is_file(front_.bytes())) {
    said_ = true;
    become({AL_CODEC_COMPRESSED, 0, 0});
  }
  front_.replay([&](ByteSpan bytes, std::uint32_t first) { pass(bytes, {first}, packet); });
}

void AudioTrack::pass(ByteSpan bytes, const Places& places, const Payload& packet) {
  if (!said_) look(bytes);
  phase_ = static_cast<std::uint8_t>((phase_ + bytes.size()) % 2);
  if (content_ != Content::not_audio) signatures_ += scanner_.scan(run_, format_.codec, bytes, places, packet);
}

void AudioTrack::look(ByteSpan bytes) {
  if (!looking_) {
    if (bytes_ < look_again_at_) return;
    looking_ = true;
    statistics_.clear();
  }
  statistics_.add(bytes, phase_);
  if (statistics_.verdict() != SampleStatistics::Verdict::undecided) decide();
}

// One look that contradicts the last verdict may be chance, two are not. Sound may begin with what looks like none.
void AudioTrack::decide() {
  looking_ = false;
  AudioFormat found = format_;
  found.codec = AL_CODEC_UNKNOWN;
  if (statistics_.verdict() == SampleStatistics::Verdict::audio) found.codec = statistics_.reading().codec;
  const bool contradicts = content_ != Content::unknown && found.codec != format_.codec;
  if (contradicts && ++disagreements_ < 2) {
    look_again_at_ = bytes_ + (content_ == Content::not_audio ? 0 : kLookAgain);
    return;
  }
  disagreements_ = 0;
  const bool audio = found.codec != AL_CODEC_UNKNOWN;
  const bool again = content_ == (audio ? Content::audio : Content::not_audio);
  patience_ = again ? std::min(2 * patience_, kMostPatience) : audio ? kLookAgain : kDoubt;
  look_again_at_ = bytes_ + patience_;
  if (audio) {
    become(found);
    return;
  }
  run_.end();
  format_ = found;
  content_ = Content::not_audio;
}

AudioTrack& AudioTracks::find(TrackId id) {
  ++clock_;
  if (latest_ < entries_.size() && entries_[latest_].id == id) {
    entries_[latest_].used = clock_;
    return *entries_[latest_].track;
  }
  auto found = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& each) { return each.id == id; });
  if (found == entries_.end()) {
    if (entries_.size() >= kTracks) {
      entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                      [](const Entry& a, const Entry& b) { return a.used < b.used; }));
      find_main();
    }
    entries_.push_back({id, 0, std::make_unique<AudioTrack>(scanner_, status_)});
    found = std::prev(entries_.end());
  }
  found->used = clock_;
  latest_ = static_cast<std::size_t>(found - entries_.begin());
  return *found->track;
}

void AudioTracks::audio(TrackId id, ByteSpan bytes, const Places& places) {
  if (packet_ == nullptr) return;
  AudioTrack& track = find(id);
  const std::uint64_t before = track.signatures();
  track.audio(bytes, places, *packet_);
  compare(track);
  signatures_ += track.signatures() - before;
  bytes_ += bytes.size();
}

void AudioTracks::gap() {
  for (const Entry& each : entries_) each.track->gap();
}

void AudioTracks::begin(TrackId id, const AudioFormat& said) {
  AudioTrack& track = find(id);
  track.begin(said);
  compare(track);
}

// Each piece changes one track: the others are not looked at unless the main one has become less telling.
void AudioTracks::compare(const AudioTrack& changed) {
  const int now = rank(changed.content());
  if (&changed == main_) {
    if (now < std::exchange(main_rank_, now)) find_main();
  } else if (main_ == nullptr || now > main_rank_ || (now == main_rank_ && changed.bytes() > main_->bytes())) {
    main_ = &changed;
    main_rank_ = now;
  }
}

void AudioTracks::find_main() {
  main_ = nullptr;
  for (const Entry& each : entries_) compare(*each.track);
}

}  // namespace audio_latency
