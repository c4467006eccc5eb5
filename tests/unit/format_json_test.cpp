// SPDX-License-Identifier: Apache-2.0
// Audio in JSON text: the same bytes at the same places however the text is cut, escapes and foreign bytes between.
#include "format_json.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "format_json_marks.hpp"
#include "format_json_name.hpp"
#include "support/format_cases.hpp"
#include "support/format_wire.hpp"

namespace audio_latency::test {
namespace {

// The text in pieces that end at `cuts`, which rise.
Decoded in_pieces(const Bytes& wire, std::vector<std::size_t> cuts) {
  Decoded found;
  JsonDecoder decoder(found.audio, found.status);
  cuts.push_back(wire.size());
  std::size_t from = 0;
  for (const std::size_t to : cuts) {
    decoder.feed(ByteSpan(wire).subspan(from, to - from), kDecodeStart + static_cast<std::uint32_t>(from));
    from = to;
  }
  return found;
}

void expect_same(const Decoded& found, const Decoded& whole, const std::string& what) {
  ASSERT_EQ(found.audio.tracks.size(), whole.audio.tracks.size()) << what;
  auto other = whole.audio.tracks.begin();
  for (const auto& [id, track] : found.audio.tracks) {
    ASSERT_EQ(id, other->first) << what;
    ASSERT_EQ(track.bytes, other->second.bytes) << what;
    ASSERT_EQ(track.places, other->second.places) << what;
    ASSERT_EQ(track.begins, other->second.begins) << what;
    ++other;
  }
  ASSERT_EQ(found.status.layers, whole.status.layers) << what;
}

void expect_no_cut_matters(const std::string& text) {
  const Bytes wire = bytes_of(text);
  const Decoded whole = in_pieces(wire, {});
  for (std::size_t first = 0; first <= wire.size(); ++first) {
    expect_same(in_pieces(wire, {first}), whole, text + " at " + std::to_string(first));
    for (std::size_t second = first; second <= wire.size(); second += 1 + first % 5)
      expect_same(in_pieces(wire, {first, second}), whole,
                  text + " at " + std::to_string(first) + ", " + std::to_string(second));
  }
  std::vector<std::size_t> every;
  for (std::size_t at = 1; at < wire.size(); ++at) every.push_back(at);
  expect_same(in_pieces(wire, every), whole, text + " byte by byte");
}

std::string media(const Bytes& audio, const std::string& track = "inbound") {
  return R"({"event":"media","n":"4","media":{"track":")" + track + R"(","payload":")" + base64(audio) +
         R"("},"streamSid":"MZ18ad3ab5"})";
}

TEST(Json, EveryByteIsWhereItsCharacterLies) {
  const Bytes audio = random_bytes(160, 1);
  const std::string text = media(audio) + media(audio);
  const Decoded found = in_pieces(bytes_of(text), {});
  ASSERT_EQ(found.audio.tracks.size(), 1U);
  const AudioCollector::Track& track = found.audio.tracks.begin()->second;
  ASSERT_EQ(track.bytes.size(), 320U);
  std::size_t at = 0;
  for (std::size_t message = 0; message < 2; ++message) {
    at = text.find(base64(audio), at + 1);
    for (std::size_t i = 0; i < 160; ++i) {
      ASSERT_EQ(track.bytes[160 * message + i], audio[i]);
      ASSERT_EQ(track.places[160 * message + i],
                kDecodeStart + static_cast<std::uint32_t>(at + 4 * (i / 3) + i % 3 + 1));
    }
  }
}

TEST(Json, NoCutMatters) {
  const Bytes audio = random_bytes(50, 2);
  expect_no_cut_matters(media(audio) + media(random_bytes(10, 3)));  // the second is known by its name alone
  expect_no_cut_matters(media(audio, "in") + media(audio, "out"));
  expect_no_cut_matters(R"({"type":"a","d":")" + base64(audio) + R"("}{"type":"b","d":"help"}{"type":"a","d":"AQID"})");
}

TEST(Json, NoCutThroughEscapesMatters) {
  const std::string text = base64(random_bytes(48, 4));
  std::string escaped;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char code[8];
    std::snprintf(code, sizeof code, i % 2 == 0 ? "\\u%04x" : "\\u%04X", static_cast<unsigned>(text[i]));
    escaped += text[i] == '/' ? "\\/" : i % 7 == 3 ? code : std::string(1, text[i]);
  }
  const std::string wire = R"({"\u0061udio":")" + escaped + R"(","say":"\"\\\n","audio":"AQID"})";
  Bytes expected = random_bytes(48, 4);
  append(expected, Bytes{1, 2, 3});
  EXPECT_EQ(in_pieces(bytes_of(wire), {}).audio.all(), expected);
  expect_no_cut_matters(wire);
}

TEST(Json, NoCutOfWhatIsNoneMatters) {
  const std::string audio = base64(random_bytes(60, 5));
  for (const std::size_t size : {127U, 128U, 129U, 200U})  // where a key becomes too long to be one
    expect_no_cut_matters("{\"" + std::string(size, 'k') + "\":\"" + audio + "\"}");
  expect_no_cut_matters("{\"" + std::string(140, 'k') + "\\n\":\"" + audio + "\"}");
  expect_no_cut_matters("{\"a\nb\":\"" + audio + "\",\"c\":\"" + audio.substr(0, 40) + "\x01" + audio + "\"}");
  expect_no_cut_matters(audio + "\",\"x\": \"" + audio + "\"}");  // joined in the middle of a string
  expect_no_cut_matters("\\\\}}]{:\"\":\"\",\"\\\"\":" + std::string(R"("a","audio":")") + audio + "\"");
}

TEST(Json, NoCutOfGarbageMatters) {
  std::mt19937 random(6);
  const std::string some = "\"\"\"\"\\\\u:,{}[] \nA1/=";
  for (unsigned run = 0; run < 300; ++run) {
    std::string text;
    for (unsigned i = 0; i < 300; ++i) text += some[random() % some.size()];
    text += "\":\"" + base64(random_bytes(90, run));
    const Bytes wire = bytes_of(text);
    const Decoded whole = in_pieces(wire, {});
    for (std::size_t step : {1U, 3U, 64U, 65U}) {
      std::vector<std::size_t> cuts;
      for (std::size_t at = step; at < wire.size(); at += step) cuts.push_back(at);
      expect_same(in_pieces(wire, cuts), whole, text);
    }
  }
}

// Whatever is missing before, the next message but one is read.
TEST(Json, FindsItsFeetFromEveryPlace) {
  const Bytes audio = random_bytes(160, 7);
  const std::string one = media(audio);
  for (std::size_t missing = 0; missing < one.size(); ++missing) {
    const Bytes found = in_pieces(bytes_of((one + one + one).substr(missing)), {}).audio.all();
    ASSERT_GE(found.size(), audio.size()) << missing;
    ASSERT_TRUE(std::equal(audio.begin(), audio.end(), found.end() - 160)) << missing;
  }
}

TEST(Json, TellsWhatMayEndAString) {
  for (std::size_t size = 0; size <= 200; size += size < 70 ? 1 : 13) {
    Bytes piece(size);
    std::mt19937 random(static_cast<unsigned>(size));
    for (unsigned value = 0; value < 256; ++value) {
      for (auto& each : piece) each = static_cast<std::uint8_t>(random() % 3 == 0 ? value : 'x');
      const std::size_t from = size == 0 ? 0 : random() % size;
      JsonMarks marks(piece, piece.data() + from);
      for (std::size_t at = from; at < size; ++at) {
        if (piece[at] == '"' || piece[at] == '\\' || piece[at] < 0x20) {
          ASSERT_EQ(marks.next() - piece.data(), static_cast<long>(at)) << value << " in " << size;
        }
      }
      ASSERT_EQ(marks.next(), piece.data() + size) << value << " in " << size;
    }
  }
}

TEST(Json, NamesThatDifferInOneCharacterAreKeptApart) {
  std::set<std::uint64_t> seen;
  std::size_t names = 0;
  for (std::size_t size = 0; size <= 40; ++size) {
    Bytes name(size, 'n');
    seen.insert(hash_name(ByteSpan(name)));
    ++names;
    for (auto& each : name) {
      for (const char other : {'m', 'N', '0'}) {
        each = static_cast<std::uint8_t>(other);
        seen.insert(hash_name(ByteSpan(name)));
        ++names;
      }
      each = 'n';
    }
  }
  EXPECT_EQ(seen.size(), names);
  constexpr std::uint64_t kEvent = hash_name("event");
  EXPECT_EQ(kEvent, hash_name(ByteSpan(bytes_of("event"))));
}

}  // namespace
}  // namespace audio_latency::test
