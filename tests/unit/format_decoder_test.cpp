// SPDX-License-Identifier: Apache-2.0
// Audio out of every framing: known answers, any cut of the byte stream, the places on the wire.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "format_audiosocket.hpp"
#include "format_http.hpp"
#include "format_http2.hpp"
#include "format_json.hpp"
#include "format_sse.hpp"
#include "support/format_cases.hpp"

namespace audio_latency::test {
namespace {

TEST(Decoders, EveryFormatGivesItsAudio) {
  for (const FormatCase& each : format_cases()) {
    const Decoded found = decode(each.make, each.wire);
    EXPECT_EQ(found.audio.tracks.size(), 1U) << each.name;
    EXPECT_EQ(found.audio.all(), each.audio) << each.name;
    EXPECT_EQ(found.status.lost, nullptr) << each.name;
    EXPECT_EQ(found.status.skipped_bytes, 0U) << each.name;
  }
}

TEST(Decoders, AnyCutOfTheStreamGivesTheSameAudioAtTheSamePlaces) {
  for (const FormatCase& each : format_cases()) {
    const Decoded whole = decode(each.make, each.wire);
    for (unsigned seed = 0; seed < 24; ++seed) {
      const unsigned longest = seed % 4 == 0 ? 1 : seed % 4 == 1 ? 7 : seed % 4 == 2 ? 150 : 1460;
      const Decoded cut = decode(each.make, each.wire, longest, seed);
      ASSERT_EQ(cut.audio.tracks.size(), whole.audio.tracks.size()) << each.name << " seed " << seed;
      auto other = whole.audio.tracks.begin();
      for (const auto& [id, track] : cut.audio.tracks) {
        EXPECT_EQ(id, other->first) << each.name;
        EXPECT_EQ(track.bytes, other->second.bytes) << each.name << " seed " << seed;
        EXPECT_EQ(track.places, other->second.places) << each.name << " seed " << seed;
        ++other;
      }
      EXPECT_EQ(cut.status.resyncs, 0U) << each.name;
    }
  }
}

TEST(Decoders, APlaceIsWhereTheByteLies) {
  for (const FormatCase& each : format_cases()) {
    const Decoded found = decode(each.make, each.wire);
    for (const auto& [id, track] : found.audio.tracks) {
      for (std::size_t i = 1; i < track.places.size(); ++i)
        ASSERT_LT(static_cast<std::int32_t>(track.places[i - 1] - track.places[i]), 0) << each.name;
      if (each.wire_per_byte != 1 || std::string(each.name).find("masked") != std::string::npos) continue;
      for (std::size_t i = 0; i < track.bytes.size() && each.wire.size() > 20'000; ++i)
        ASSERT_EQ(each.wire[track.places[i] - kDecodeStart], track.bytes[i]) << each.name;
    }
  }
}

// Where none may stand, it says that a quote was taken for the wrong end of a string: the next message is read again.
TEST(Decoders, AControlCharacterEndsAStringHoweverLong) {
  const Bytes audio(300, 0x11);
  const std::string message = "{\"audio\":\"" + base64(audio) + "\"}";
  for (const std::size_t before : {1U, 15U, 16U, 200U, 1000U}) {
    const Bytes wire = bytes_of("\"" + std::string(before, 'x') + "\n" + message);
    EXPECT_EQ(decode(decoder_of<JsonDecoder>(), wire).audio.all(), audio) << before;
  }
}

// A stream that is joined in the middle: whatever precedes, the later audio comes out.
TEST(Decoders, FindTheirFeetInMidStream) {
  for (const FormatCase& each : format_cases()) {
    const std::string name = each.name;
    if (name.find("counted") != std::string::npos || name.find("upgraded") != std::string::npos) continue;
    const MakeDecoder make = name.find("WebSocket") == std::string::npos ? each.make : websocket_decoder(false);
    Bytes wire = each.wire;
    append(wire, each.wire);
    append(wire, each.wire);
    for (std::size_t from : {std::size_t{777}, std::size_t{5}, each.wire.size() / 2 + 3}) {
      Decoded result;
      const auto decoder = make(result.audio, result.status);
      decoder->gap();
      for (std::size_t at = from; at < wire.size(); at += 1460)
        decoder->feed(ByteSpan(wire).subspan(at, std::min<std::size_t>(1460, wire.size() - at)),
                      kDecodeStart + static_cast<std::uint32_t>(at));
      const Bytes found = result.audio.all();
      const std::size_t wanted = each.audio.size();
      const auto at =
          std::search(found.begin(), found.end(), each.audio.end() - static_cast<long>(wanted / 4), each.audio.end());
      EXPECT_NE(at, found.end()) << each.name << " from " << from;
    }
  }
}

TEST(Decoders, TracksOfOneConnectionAreKeptApart) {
  Bytes wire;
  Bytes inbound;
  Bytes outbound;
  for (unsigned i = 0; i < 10; ++i) {
    const Bytes in = random_bytes(160, i);
    const Bytes out = random_bytes(160, 100 + i);
    append(wire, websocket_frame(bytes_of(twilio_media(in, "inbound")), {.opcode = 1}));
    append(wire, websocket_frame(bytes_of(twilio_media(out, "outbound")), {.opcode = 1}));
    append(inbound, in);
    append(outbound, out);
  }
  const Decoded found = decode(websocket_decoder(), wire, 500, 3);
  ASSERT_EQ(found.audio.tracks.size(), 2U);
  std::vector<Bytes> both;
  for (const auto& [id, track] : found.audio.tracks) both.push_back(track.bytes);
  EXPECT_TRUE(both == std::vector<Bytes>({inbound, outbound}) || both == std::vector<Bytes>({outbound, inbound}));
}

// OpenAI realtime: one key holds audio in messages of one type, text in those of another.
TEST(Decoders, TextUnderTheKeyOfAudioIsNotTakenForIt) {
  Bytes wire;
  Bytes expected;
  for (unsigned i = 0; i < 10; ++i) {
    const Bytes audio = random_bytes(600, i);
    append(expected, audio);
    append(wire, websocket_frame(bytes_of(R"({"type":"response.output_audio.delta","delta":")" + base64(audio) + "\"}"),
                                 {.opcode = 1}));
    append(wire, websocket_frame(bytes_of(R"({"type":"response.output_audio_transcript.delta","delta":"Help"})"),
                                 {.opcode = 1}));
  }
  const Decoded found = decode(websocket_decoder(), wire, 700, 1);
  EXPECT_EQ(found.audio.all(), expected);
}

TEST(Decoders, StreamsOfOneHttp2ConnectionAreKeptApart) {
  Bytes wire = http2_preface();
  std::map<std::uint32_t, Bytes> expected;
  for (unsigned i = 0; i < 30; ++i) {
    const std::uint32_t stream = 1 + 2 * (i % 3);
    const Bytes audio = random_bytes(640, i);
    append(wire, http2_frame(0, 0, stream, grpc_message(protobuf_field(1, audio))));
    append(expected[stream], audio);
  }
  const Decoded found = decode(decoder_of<Http2Decoder>(), wire, 1460, 1);
  ASSERT_EQ(found.audio.tracks.size(), 3U);
  for (const auto& each : expected) {
    const bool there = std::any_of(found.audio.tracks.begin(), found.audio.tracks.end(),
                                   [&](const auto& track) { return track.second.bytes == each.second; });
    EXPECT_TRUE(there) << each.first;
  }
}

TEST(Decoders, TheLayersAreTold) {
  for (const FormatCase& each : format_cases()) {
    const Decoded found = decode(each.make, each.wire, 1460);
    const std::string name = each.name;
    EXPECT_EQ((found.status.layers & kLayerJson) != 0, name.find("JSON") != std::string::npos) << name;
    EXPECT_EQ((found.status.layers & kLayerWebSocket) != 0, name.find("WebSocket") != std::string::npos) << name;
    EXPECT_EQ((found.status.layers & kLayerHex) != 0, name.find("hex") != std::string::npos) << name;
    EXPECT_EQ((found.status.layers & kLayerGrpc) != 0, name.find("gRPC") != std::string::npos) << name;
  }
}

TEST(Decoders, CompressedMessagesAreCountedNotDecoded) {
  Bytes wire;
  for (unsigned i = 0; i < 5; ++i) append(wire, websocket_frame(random_bytes(400, i), {.mask = 7, .deflated = true}));
  const Decoded found = decode(websocket_decoder(), wire);
  EXPECT_TRUE(found.audio.tracks.empty());
  EXPECT_EQ(found.status.deflated_bytes, 2000U);
}

TEST(Decoders, TextThatIsNoAudioGivesNone) {
  const std::string chat =
      R"({"type":"response.text.delta","delta":"Hello, how are you doing today? This is some text that is rather long."})";
  Bytes wire;
  for (int i = 0; i < 20; ++i) append(wire, websocket_frame(bytes_of(chat), {.opcode = 1}));
  EXPECT_TRUE(decode(websocket_decoder(), wire).audio.tracks.empty());
}

TEST(Decoders, BodiesThatAreNotAudioArePassedOver) {
  Bytes wire = bytes_of(http_response("text/html", "Content-Length: 500\r\n"));
  append(wire, random_bytes(500, 1));
  append(wire, http_response("audio/basic", "Content-Length: 160\r\n"));
  append(wire, random_bytes(160, 2));
  const Decoded found = decode(decoder_of<HttpDecoder>(), wire, 100, 2);
  EXPECT_EQ(found.audio.all(), random_bytes(160, 2));
  EXPECT_EQ(found.audio.tracks.begin()->second.said.codec, AL_CODEC_PCMU);
}

TEST(Decoders, GarbageIsPassedOverAndCounted) {
  const std::vector<MakeDecoder> makes = {decoder_of<HttpDecoder>(),        decoder_of<Http2Decoder>(),
                                          decoder_of<AudioSocketDecoder>(), decoder_of<JsonDecoder>(),
                                          decoder_of<SseDecoder>(),         websocket_decoder()};
  for (const MakeDecoder& make : makes) {
    for (unsigned seed = 0; seed < 20; ++seed) {
      const Decoded found = decode(make, random_bytes(50'000, seed), 1460, seed);
      EXPECT_LE(found.audio.all().size(), 50'000U);
    }
  }
}

}  // namespace
}  // namespace audio_latency::test
