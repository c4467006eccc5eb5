// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <vector>

#include "audio_latency/payload.hpp"
#include "format_layer.hpp"
#include "support/oracle.hpp"

namespace audio_latency::test {

// A segment of a TCP stream as a capture hands it over.
inline Payload segment(const Bytes& bytes, std::uint32_t sequence, EventTime time = 1) {
  Payload packet;
  packet.time = time;
  packet.flow.protocol = 6;
  packet.flow.source = {IpAddress::from_ipv4(0x0a000001), 1000};
  packet.flow.destination = {IpAddress::from_ipv4(0x0a000002), 2000};
  packet.packet.kind = AL_IDENTITY_TCP;
  packet.packet.stream_id = sequence;
  packet.packet.payload_length = static_cast<std::uint32_t>(bytes.size());
  packet.sequence = sequence;
  packet.length = static_cast<std::uint32_t>(bytes.size());
  packet.bytes = bytes;
  return packet;
}

// Keeps what decoders find, with the place of each byte on the wire.
struct AudioCollector : AudioSink {
  struct Track {
    Bytes bytes;
    std::vector<std::uint32_t> places;
    AudioFormat said;
    unsigned begins = 0;
  };
  std::map<TrackId, Track> tracks;
  unsigned gaps = 0;

  void begin(TrackId track, const AudioFormat& said) override {
    ++tracks[track].begins;
    tracks[track].said = said;
  }
  void audio(TrackId track, ByteSpan bytes, const Places& where) override {
    Track& to = tracks[track];
    to.bytes.insert(to.bytes.end(), bytes.begin(), bytes.end());
    for (std::size_t i = 0; i < bytes.size(); ++i) to.places.push_back(where.at(i));
  }
  void gap() override { ++gaps; }

  Bytes all() const {
    Bytes joined;
    for (const auto& [id, track] : tracks) joined.insert(joined.end(), track.bytes.begin(), track.bytes.end());
    return joined;
  }
};

}  // namespace audio_latency::test
