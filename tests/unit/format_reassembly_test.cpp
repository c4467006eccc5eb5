// SPDX-License-Identifier: Apache-2.0
// TCP bytes in sequence order, whatever order, cut, overlap or loss they arrive with.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "format_reassembly.hpp"
#include "support/format_world.hpp"

namespace audio_latency::test {
namespace {

struct Stream : StreamSink {
  struct Piece {
    Bytes bytes;
    std::uint32_t sequence = 0;
    EventTime time = 0;
  };
  std::vector<Piece> pieces;
  unsigned gaps = 0;
  std::vector<std::size_t> gap_after;  // bytes before each gap

  void on_stream(ByteSpan bytes, std::uint32_t sequence, const Payload& packet) override {
    pieces.push_back({{bytes.begin(), bytes.end()}, sequence, packet.time});
  }
  void on_gap() override {
    ++gaps;
    gap_after.push_back(all().size());
  }
  Bytes all() const {
    Bytes joined;
    for (const Piece& piece : pieces) joined.insert(joined.end(), piece.bytes.begin(), piece.bytes.end());
    return joined;
  }
};

// One stream and what arrives of it.
struct World {
  Bytes stream;
  std::uint32_t start = 0xffffff00;
  Reassembly reassembly;
  ReassemblyCounters counters;
  Stream out;

  explicit World(std::size_t size = 4000) : stream(random_bytes(size, 9)) {}
  void arrive(std::size_t from, std::size_t to, EventTime time = 1) {
    const Bytes bytes(stream.begin() + static_cast<long>(from), stream.begin() + static_cast<long>(to));
    reassembly.push(segment(bytes, start + static_cast<std::uint32_t>(from), time), out, counters);
  }
  Bytes part(std::size_t from, std::size_t to) const {
    return {stream.begin() + static_cast<long>(from), stream.begin() + static_cast<long>(to)};
  }
};

TEST(Reassembly, InOrderBytesPassAtOnceAndTheNumberWraps) {
  World world;
  for (std::size_t at = 0; at < 4000; at += 500) world.arrive(at, at + 500, at);
  EXPECT_EQ(world.out.all(), world.stream);
  EXPECT_EQ(world.out.pieces[3].sequence, world.start + 1500);
  EXPECT_EQ(world.out.pieces[3].time, 1500U);
  EXPECT_EQ(world.out.gaps, 0U);
}

TEST(Reassembly, AnotherOrderGivesTheSameBytesEachWithItsOwnPacketsTime) {
  World world;
  world.arrive(0, 100, 1);
  world.arrive(300, 400, 2);
  world.arrive(200, 300, 3);
  EXPECT_EQ(world.out.all(), world.part(0, 100));
  world.arrive(100, 200, 4);
  EXPECT_EQ(world.out.all(), world.part(0, 400));
  EXPECT_EQ(world.out.pieces[1].time, 4U);
  EXPECT_EQ(world.out.pieces[2].time, 3U);
  EXPECT_EQ(world.out.pieces[3].time, 2U);
  EXPECT_EQ(world.out.gaps, 0U);
}

TEST(Reassembly, OfBytesThatComeTwiceTheFirstStand) {
  World world;
  world.arrive(0, 100);
  world.arrive(200, 300);
  std::fill(world.stream.begin(), world.stream.end(), 0);  // the same places, other bytes
  const World fresh;
  world.arrive(50, 100);
  world.arrive(150, 350);
  world.arrive(90, 150);
  Bytes expected = fresh.part(0, 100);
  expected.resize(200, 0);
  const Bytes kept = fresh.part(200, 300);
  expected.insert(expected.end(), kept.begin(), kept.end());
  expected.resize(350, 0);
  EXPECT_EQ(world.out.all(), expected);
  EXPECT_EQ(world.counters.duplicate_bytes, 50U + 100 + 10);
}

TEST(Reassembly, AGapIsGivenUpInEventTime) {
  World world;
  world.arrive(0, 100, 1000);
  world.arrive(200, 300, 2000);
  world.reassembly.advance(2000 + Reassembly::kPatienceNs - 1, world.out, world.counters);
  EXPECT_EQ(world.out.gaps, 0U);
  world.reassembly.advance(2000 + Reassembly::kPatienceNs, world.out, world.counters);
  EXPECT_EQ(world.out.gaps, 1U);
  EXPECT_EQ(world.out.gap_after.front(), 100U);
  EXPECT_EQ(world.out.pieces.back().bytes, world.part(200, 300));
  EXPECT_FALSE(world.reassembly.waiting());
  world.arrive(100, 200, 3000);  // too late
  EXPECT_EQ(world.out.pieces.size(), 2U);
}

TEST(Reassembly, MemoryIsBoundedAndMuchBehindAGapGivesItUp) {
  World world(400'000);
  world.arrive(0, 100);
  std::size_t most = 0;
  for (std::size_t at = 1100; at + 1460 < 300'000; at += 2920) {  // every second segment is lost
    world.arrive(at, at + 1460);
    most = std::max(most, world.reassembly.held_bytes());
  }
  EXPECT_LE(most, Reassembly::kHeldBytes);
  EXPECT_GT(world.out.gaps, 50U);
  for (std::size_t at = 310'000; at < 310'400; at += 2) world.arrive(at, at + 1);
  EXPECT_LE(world.reassembly.held_bytes(), Reassembly::kHeldSegments + Reassembly::kHeldBytes);
}

TEST(Reassembly, MergedSegmentsOf64KiB) {
  World world(300'000);
  world.arrive(0, 65'000);
  world.arrive(65'000, 130'000);
  EXPECT_EQ(world.out.all(), world.part(0, 130'000));
  world.arrive(130'100, 195'100);  // behind a gap, and more than is held
  EXPECT_EQ(world.out.gaps, 1U);
  EXPECT_EQ(world.out.all().size(), 195'000U);
}

TEST(Reassembly, ANewConnectionOnTheSamePorts) {
  World world(10'000);
  world.arrive(0, 1000);
  world.start = 0x12345678;
  world.arrive(0, 1000);
  EXPECT_EQ(world.counters.restarts, 1U);
  EXPECT_EQ(world.out.gaps, 1U);
  EXPECT_EQ(world.out.all().size(), 2000U);
  world.start -= 100'000;  // one that starts a little below
  for (std::size_t at = 0; at < 10'000; at += 200) world.arrive(at, at + 200);
  EXPECT_EQ(world.counters.restarts, 2U);
  EXPECT_EQ(world.out.pieces.back().bytes, world.part(9800, 10'000));
}

TEST(Reassembly, BytesThatWereNotCapturedAreAGap) {
  World world;
  Bytes front = world.part(0, 100);
  Payload packet = segment(front, world.start);
  packet.length = 500;
  world.reassembly.push(packet, world.out, world.counters);
  world.arrive(500, 600);
  EXPECT_EQ(world.out.gap_after, std::vector<std::size_t>{100});
  EXPECT_EQ(world.out.pieces.back().bytes, world.part(500, 600));
}

// Any order, repetition and overlap within reach: what comes out is the stream.
TEST(Reassembly, PropertyLikeAnInOrderOracle) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    World world(20'000);
    world.start = random();
    struct Cut {
      std::size_t from, to, when;
    };
    std::vector<Cut> cuts;
    for (std::size_t at = 0, number = 0; at < world.stream.size(); ++number) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 1460, world.stream.size() - at);
      cuts.push_back({at, at + size, number * 10 + random() % 120});
      if (random() % 4 == 0) {
        const std::size_t back = std::min<std::size_t>(random() % 3000, at);
        cuts.push_back({at - back, at + size - random() % size, number * 10 + random() % 200});
      }
      at += size;
    }
    std::stable_sort(cuts.begin() + 1, cuts.end(), [](const Cut& a, const Cut& b) { return a.when < b.when; });
    for (const Cut& cut : cuts)
      if (cut.from < cut.to) world.arrive(cut.from, cut.to, cut.when);
    EXPECT_EQ(world.out.all(), world.stream) << "seed " << seed;
    EXPECT_EQ(world.out.gaps, 0U) << "seed " << seed;
    std::uint32_t place = world.start;
    for (const auto& piece : world.out.pieces) {
      EXPECT_EQ(piece.sequence, place);
      place += static_cast<std::uint32_t>(piece.bytes.size());
    }
  }
}

// With loss: every piece that comes out has its right bytes, in rising order, and each jump was announced.
TEST(Reassembly, PropertyLossNeverMisplacesBytes) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    World world(60'000);
    world.start = random();
    world.arrive(0, 10);
    EventTime now = 1;
    for (std::size_t at = 10; at < world.stream.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 1460, world.stream.size() - at);
      now += random() % 20'000'000;
      if (random() % 10 != 0) world.arrive(at, at + size, now);
      at += size;
    }
    world.reassembly.advance(now + Reassembly::kPatienceNs, world.out, world.counters);
    std::size_t place = 0;
    unsigned jumps = 0;
    for (const auto& piece : world.out.pieces) {
      const std::size_t from = piece.sequence - world.start;
      ASSERT_GE(from, place);
      jumps += from > place ? 1 : 0;
      place = from + piece.bytes.size();
      EXPECT_EQ(piece.bytes, world.part(from, place));
    }
    EXPECT_GE(world.out.gaps, jumps);
  }
}

}  // namespace
}  // namespace audio_latency::test
