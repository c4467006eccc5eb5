// SPDX-License-Identifier: Apache-2.0
// From payloads to verdicts, treatments and observations; and the bounds of the flow table.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "support/formats_under_test.hpp"

namespace audio_latency::test {
namespace {

TEST(Formats, SoundIsFoundInEveryFormat) {
  for (const LabelledFlow& flow : audio_flows(call(3), 3)) {
    FormatsWorld world;
    world.play(flow);
    EXPECT_EQ(world.view().codec, flow.codec) << flow.name << ": " << world.view().why;
    EXPECT_TRUE(world.view().handling == AL_SCAN || world.view().handling == AL_DECODE) << flow.name;
    ASSERT_FALSE(world.treated.all.empty()) << flow.name;
    EXPECT_EQ(world.treated.all.back().handling, world.view().handling) << flow.name;
  }
}

TEST(Formats, NothingElseIsCalledSound) {
  for (const LabelledFlow& flow : other_flows(call(4), 4, 3)) {
    FormatsWorld world;
    world.play(flow);
    EXPECT_EQ(to_string(world.view().unhashable), flow.reason) << flow.name << ": " << world.view().why;
    const FormatStats stats = world.formats->stats();
    EXPECT_EQ(stats.unhashable[static_cast<std::size_t>(world.view().unhashable)], flow.reason.empty() ? 0U : 1U);
    const bool scanned = world.view().handling == AL_SCAN && world.view().codec != AL_CODEC_COMPRESSED;
    EXPECT_FALSE(scanned) << flow.name;
    if (world.view().handling == AL_DECODE) {
      EXPECT_TRUE(world.view().codec == AL_CODEC_UNKNOWN || world.view().codec == AL_CODEC_COMPRESSED) << flow.name;
    }
  }
}

// One call, as many services pass it on: where the codec survives, so do the signatures.
TEST(Formats, TheSameSoundGivesTheSameSignaturesInEveryDecodedFormat) {
  std::set<std::uint64_t> expected;
  for (const LabelledFlow& flow : audio_flows(call(5, 20), 5)) {
    FormatsWorld world;
    world.play(flow);
    if (world.view().handling != AL_DECODE) continue;
    std::set<std::uint64_t> found;
    for (const Observation& one : world.sink.seen)
      if (one.domain == Domain::mu_law) found.insert(one.signature);
    EXPECT_GT(found.size(), 200U) << flow.name;
    if (expected.empty()) expected = found;
    std::vector<std::uint64_t> common;
    std::set_intersection(found.begin(), found.end(), expected.begin(), expected.end(), std::back_inserter(common));
    EXPECT_GT(static_cast<double>(common.size()), 0.97 * static_cast<double>(expected.size())) << flow.name;
  }
  EXPECT_FALSE(expected.empty());
}

TEST(Formats, ObservationsOfADecodedFlowTellThePacketOnTheWire) {
  const auto flows = audio_flows(call(6), 6);
  const auto twilio = std::find_if(flows.begin(), flows.end(),
                                   [](const auto& f) { return f.name.find("Twilio") != std::string::npos; });
  FormatsWorld world;
  world.play(*twilio);
  ASSERT_FALSE(world.sink.seen.empty());
  std::uint32_t sequence = twilio->first_sequence;
  std::size_t next = 0;
  for (const auto& packet : twilio->packets) {
    const auto end = sequence + static_cast<std::uint32_t>(packet.bytes.size());
    for (; next < world.sink.seen.size() && world.sink.seen[next].packet.stream_id < end; ++next) {
      EXPECT_EQ(world.sink.seen[next].time, packet.time);
      EXPECT_EQ(world.sink.seen[next].packet.offset, world.sink.seen[next].packet.stream_id - sequence);
    }
    sequence = end;
  }
  EXPECT_EQ(next, world.sink.seen.size());
}

TEST(Formats, ANewConnectionIsLookedAtAnew) {
  FormatsWorld world;
  const auto flows = audio_flows(call(7), 7);
  const auto twilio = std::find_if(flows.begin(), flows.end(),
                                   [](const auto& f) { return f.name.find("Twilio") != std::string::npos; });
  world.play(*twilio, 1000, true);
  EXPECT_EQ(world.view().handling, AL_DECODE);
  world.treated.all.clear();
  LabelledFlow other = other_flows(call(7), 7, 3).at(2);
  ASSERT_EQ(other.name, "TLS");
  other.first_sequence = 0x80000000;
  world.play(other);
  EXPECT_EQ(world.view().handling, AL_IGNORE);
  EXPECT_EQ(world.view().unhashable, Unhashable::tls);
}

TEST(Formats, MessagesWithoutSoundAreLeftAfterAWhile) {
  FormatsWorld world;
  LabelledFlow flow;
  flow.packets.push_back({1, bytes_of("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")});
  for (unsigned i = 0; i < 400; ++i)
    flow.packets.push_back({i + 2, websocket_frame(random_bytes(1000, i), {.mask = i})});
  world.play(flow);
  EXPECT_EQ(world.view().handling, AL_IGNORE);
}

TEST(Formats, AVerdictStandsAgainstOneBadMoment) {
  FormatsWorld world;
  const auto flows = audio_flows(call(9), 9);
  const auto raw = std::find_if(flows.begin(), flows.end(), [](const auto& f) { return f.name == "TCP PCMU"; });
  world.play(*raw);
  ASSERT_EQ(world.view().handling, AL_SCAN);
  LabelledFlow noise;
  noise.first_sequence = raw->first_sequence;
  for (unsigned i = 0; i < 8; ++i) noise.packets.push_back({2'000'000'000'000, random_bytes(1000, i)});
  world.play(noise, 1000, true);
  EXPECT_EQ(world.view().handling, AL_SCAN);
  EXPECT_EQ(world.treated.all.size(), 2U);  // the kernel program waits for an answer
  world.play(noise, 1000, true);
  EXPECT_EQ(world.view().handling, AL_IGNORE);
}

TEST(Formats, TheTableIsBoundedAndOneSenderHasATenthOfIt) {
  FormatsWorld world(50);
  const LabelledFlow flow = audio_flows(call(8, 0.2), 8).at(0);
  for (std::uint16_t port = 1; port <= 100; ++port) world.play(flow, port, true);
  EXPECT_EQ(world.formats->stats().flows, 5U);
  EXPECT_EQ(world.formats->stats().flow_quota, 95U * flow.packets.size());
  for (std::uint32_t sender = 1; sender <= 100; ++sender) {
    PlacedObservation seen;
    seen.observation.flow.source = {IpAddress::from_ipv4(0x0a010000 + sender), 1};
    seen.observation.time = flow.packets.back().time;
    const auto expected = sender <= 45 ? PlacedGate::Verdict::counted : PlacedGate::Verdict::passes;
    EXPECT_EQ(world.formats->judge(seen), expected);
  }
  EXPECT_EQ(world.formats->stats().flows, 50U);
  EXPECT_EQ(world.formats->stats().flow_table_full, 55U);
  world.formats->advance(flow.packets.back().time + 40'000'000'000);
  EXPECT_EQ(world.formats->stats().flows, 0U);
  world.play(flow, 1);
  EXPECT_EQ(world.formats->stats().flows, 1U);
}

// Short connections make room; a call that pauses stays, however long it is silent.
TEST(Formats, FlowsWithoutSoundMakeRoomForOthers) {
  FormatsWorld world(1000);  // one sender has a hundred, and keeps fifty
  const auto flows = audio_flows(call(13), 13);
  const auto sound =
      std::find_if(flows.begin(), flows.end(), [](const auto& f) { return f.name.find("WebSocket PCMU") == 0; });
  ASSERT_NE(sound, flows.end());
  world.play(*sound, 1, true);
  ASSERT_EQ(world.treated.all.back().handling, AL_DECODE);
  EXPECT_EQ(world.treated.all.back().codec, AL_CODEC_PCMU);  // the kernel program's table is told
  const EventTime begin = sound->packets.back().time;
  for (std::uint16_t port = 2; port <= 80; ++port) {
    LabelledFlow request;
    request.packets.push_back({begin + port, bytes_of("GET / HTTP/1.1\r\nHost: a\r\n\r\n")});
    world.play(request, port, true);
  }
  world.formats->advance(begin + 900'000'000);
  EXPECT_EQ(world.formats->stats().flows, 80U);
  world.formats->advance(begin + 2'000'000'000);
  EXPECT_EQ(world.formats->stats().flows, 50U);
  EXPECT_EQ(world.formats->stats().flows_relieved, 30U);
  for (const FlowView& view : world.formats->flows())
    EXPECT_TRUE(view.flow.source.port == 1 || view.flow.source.port > 31) << view.flow.source.port;
}

// Requests and answers in protocols that nobody knows; a flow that was found to be sound, or goes on, counts.
TEST(Formats, LittleOfWhatIsNotKnownIsNotMatched) {
  FormatsWorld world;
  PlacedObservation seen;
  LabelledFlow flow;
  flow.packets.push_back({1'000'000'000'000, random_bytes(3000, 5)});
  world.play(flow, 1000, true);
  seen.observation.flow = world.view().flow;
  seen.observation.point = world.view().point;
  seen.observation.time = 1'000'000'000'000;
  EXPECT_EQ(world.formats->judge(seen), PlacedGate::Verdict::stops);
  EXPECT_EQ(world.formats->stats().short_flows, 1U);
  world.options.audio_ports = {{seen.observation.flow.source.port, AL_FORMAT_RAW}};
  world.formats->set_ports(world.options.audio_ports);
  EXPECT_EQ(world.formats->judge(seen), PlacedGate::Verdict::counted);  // declared to be sound
  world.formats->set_ports({});
  flow.packets[0].bytes = random_bytes(2000, 6);
  world.play(flow, 1000, true);
  EXPECT_EQ(world.formats->judge(seen), PlacedGate::Verdict::counted);
}

struct Reported : SignatureSink {
  void on_signatures(const Signatures& signatures) override { all.push_back(signatures); }
  std::vector<Signatures> all;
};

TEST(Formats, SignaturesAreReportedOnceAlsoOfFlowsThatWent) {
  FormatsWorld world;
  PlacedObservation seen;
  seen.observation.flow.source = {IpAddress::from_ipv4(0x0a010001), 7};
  seen.observation.time = 1'000'000'000;
  seen.observation.domain = Domain::mu_law;
  Reported reported;
  for (int i = 0; i < 3; ++i) world.formats->judge(seen);
  world.formats->report_signatures(reported);
  world.formats->report_signatures(reported);
  ASSERT_EQ(reported.all.size(), 1U);
  EXPECT_EQ(reported.all[0].count, 3U);
  EXPECT_EQ(reported.all[0].domain, Domain::mu_law);
  EXPECT_EQ(reported.all[0].address, seen.observation.flow.source);
  for (int i = 0; i < 2; ++i) world.formats->judge(seen);
  EXPECT_EQ(world.formats->flows().at(0).signatures, 5U);
  world.formats->advance(100'000'000'000);
  ASSERT_EQ(world.formats->stats().flows, 0U);
  world.formats->report_signatures(reported);
  ASSERT_EQ(reported.all.size(), 2U);
  EXPECT_EQ(reported.all[1].count, 2U);
}

TEST(Formats, ADeclaredPortIsDecodedAtOnceAsItIsDeclared) {
  for (const LabelledFlow& flow : audio_flows(call(10), 10)) {
    al_format format = AL_FORMAT_NONE;
    if (flow.name.find("WebSocket") == 0) format = AL_FORMAT_WEBSOCKET;
    if (flow.name == "SSE hex") format = AL_FORMAT_SSE;
    if (flow.name == "HTTP chunked WAVE") format = AL_FORMAT_HTTP;
    if (flow.name == "AudioSocket") format = AL_FORMAT_AUDIOSOCKET;
    if (flow.name == "gRPC") format = AL_FORMAT_GRPC;
    if (format == AL_FORMAT_NONE) continue;
    FormatsWorld world;
    world.options.audio_ports = {{2000, format}};
    world.formats = std::make_unique<Formats>(world.options, oracle_settings(), world.sink, world.treated);
    LabelledFlow one = flow;
    one.packets.resize(1);
    world.play(one);
    EXPECT_EQ(world.view().handling, AL_DECODE) << flow.name;
    LabelledFlow rest = flow;
    rest.packets.erase(rest.packets.begin());
    rest.first_sequence += static_cast<std::uint32_t>(flow.packets.front().bytes.size());
    world.play(rest);
    EXPECT_EQ(world.view().codec, flow.codec) << flow.name << ": " << world.view().why;
  }
}

TEST(Formats, TheALawDomainBeginsWithTheFirstPcma) {
  const auto flows = audio_flows(call(11), 11);
  FormatsWorld world;
  const auto count = [&] {
    return std::count_if(world.sink.seen.begin(), world.sink.seen.end(),
                         [](const Observation& one) { return one.domain == Domain::a_law; });
  };
  const auto named = [&](const char* name) {
    return *std::find_if(flows.begin(), flows.end(), [&](const auto& flow) { return flow.name == name; });
  };
  world.play(named("AudioSocket"));
  EXPECT_EQ(count(), 0);
  world.play(named("RTP PCMA"), 1001);
  EXPECT_TRUE(world.formats->saw_pcma());
  world.treated.all.clear();
  world.play(named("gRPC"), 1002);
  EXPECT_GT(count(), 0);
}

TEST(Formats, CountersNeverFall) {
  FormatsWorld world;
  LabelledFlow flow;
  flow.packets.push_back({1, bytes_of("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")});
  flow.packets.push_back({2, websocket_frame(random_bytes(1000, 1))});
  for (unsigned i = 0; i < 20; ++i) flow.packets.push_back({i + 3, Bytes(300, 0x77)});
  world.play(flow);
  const FormatStats before = world.formats->stats();
  EXPECT_GT(before.skipped_bytes, 0U);
  world.formats->advance(1'000'000'000'000);
  EXPECT_EQ(world.formats->stats().flows, 0U);
  EXPECT_GE(world.formats->stats().skipped_bytes, before.skipped_bytes);
  EXPECT_GE(world.formats->stats().resyncs, before.resyncs);
}

}  // namespace
}  // namespace audio_latency::test
