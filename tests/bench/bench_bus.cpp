// SPDX-License-Identifier: Apache-2.0
// bench-bus [NATS_URL]: what the bus costs, a figure a line as JSON. With the URL of a server, also how much goes
// through one node, in and out at once, while another node sends and takes as much.
#include <pthread.h>
#include <time.h>

#include <cstdio>
#include <memory>
#include <random>
#include <thread>

#include "bus.hpp"
#include "bus_nats.hpp"
#include "identity_static.hpp"
#include "matcher.hpp"
#include "wall_clock.hpp"

namespace {

using namespace audio_latency;  // NOLINT(google-build-using-namespace)

constexpr std::size_t kFlows = 1000;
constexpr EventTime kSecond = 1'000'000'000;
constexpr double kWantedRate = 300'000;  // observations a second, in each direction
constexpr double kSeconds = 5;

class Discard : public BusTransport {
 public:
  bool send(BusMember, BusBatch batch) override {
    kept = std::move(batch);
    return true;
  }
  void announce(const BusHeartbeat&) override {}
  void probe() override {}
  int fd() const override { return -1; }
  void receive(std::vector<BusArrival>& arrivals) override { arrivals.swap(given); }
  bool connected() const override { return true; }
  std::string problem() const override { return {}; }
  BusTransportStats stats() const override { return {}; }

  BusBatch kept;
  std::vector<BusArrival> given;
};

class NoSink : public MatchSink {
 public:
  void on_match(const Match&) override {}
};

// RTP of many flows; three windows of a packet come together.
class Sound {
 public:
  explicit Sound(std::uint64_t seed) : random_(seed), net_(static_cast<std::uint32_t>(seed) << 16) {}
  PlacedObservation next(EventTime now) {
    if (count_++ % 3 == 0) {
      const auto flow = static_cast<std::uint32_t>(random_() % kFlows);
      Observation& seen = seen_.observation;
      seen.flow = {{IpAddress::from_ipv4(0x0a000000 + net_ + flow), 5004},
                   {IpAddress::from_ipv4(0x0a800000 + net_ + flow), 5006},
                   17};
      seen.packet = {
          AL_IDENTITY_RTP, flow, static_cast<std::uint32_t>(count_), static_cast<std::uint16_t>(count_), 172, 0, 7};
      seen.point = {0, 3, AL_INGRESS};
      seen.ttl = 63;
      seen_.sender.component = flow + 1;
      seen_.receiver.component = flow + 100'001;
    }
    seen_.observation.time = now;
    seen_.observation.signature = random_();
    seen_.observation.packet.offset += 40;
    return seen_;
  }

 private:
  std::mt19937_64 random_;
  std::uint32_t net_;
  std::uint64_t count_ = 0;
  PlacedObservation seen_;
};

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void figure(const char* name, double value, const char* unit, const char* goal = nullptr, bool holds = true) {
  if (goal == nullptr) {
    std::printf("{\"name\": \"bus: %s\", \"value\": %.6g, \"unit\": \"%s\"}\n", name, value, unit);
  } else {
    std::printf("{\"name\": \"bus: %s\", \"value\": %.6g, \"unit\": \"%s\", \"goal\": \"%s\", \"holds\": %s}\n", name,
                value, unit, goal, holds ? "true" : "false");
  }
  (void)std::fflush(stdout);
}

BusSettings settings_of(BusMember self) {
  return {self, "node-" + std::to_string(self), 16, 10 * kSecond, 30 * kSecond, 10'000, false};
}

// The publishing side: what an observation costs the loop thread, until its batch is handed over; 16 owners.
void bench_route() {
  StaticResolver own;
  BusNames names(own);
  Discard transport;
  Bus bus(settings_of(0x123456789), transport, names,
          {[](const PlacedObservation&) {}, [](std::uint32_t, std::uint64_t) {},
           [](const FlowKey&, std::uint32_t) { return false; }},
          [](LogLevel, const char*, const std::string&) {});
  EventTime now = 100 * kSecond;
  std::mt19937_64 random(5);
  transport.given.push_back({{0x123456789, BusHeartbeat{}}, 1});
  bus.step(now);
  bus.step(now += kSecond / 50);
  for (int i = 0; i < 15; ++i) transport.given.push_back({{random(), BusHeartbeat{"n" + std::to_string(i), false}}, 1});
  bus.step(now += kSecond / 50);
  Sound sound(1);
  constexpr int count = 2'000'000;
  std::vector<PlacedObservation> prepared;
  for (int i = 0; i < 60'000; ++i) prepared.push_back(sound.next(0));
  const double before = thread_seconds();
  for (int i = 0; i < count; ++i) {
    PlacedObservation& seen = prepared[static_cast<std::size_t>(i) % prepared.size()];
    seen.observation.time = now;
    seen.observation.learned = false;
    bus.route(seen);
    if (i % 4096 == 0) {
      now += kSecond / 500;
      transport.given.push_back({{0x123456789, BusHeartbeat{}}, 1});
      bus.step(now);
    }
  }
  const double each = (thread_seconds() - before) / count * 1e9;
  figure("an observation on the publishing thread", each, "ns", "<= 500", each <= 500);
  figure("owners in that run", static_cast<double>(bus.stats().owners), "");
}

void bench_codec() {
  Sound sound(2);
  StaticResolver own;
  BusFlows flows(own, "node-1", 10'000, kSecond);
  BusBatch batch;
  std::int64_t time = 1'800'000'000'000'000'000;
  for (std::size_t i = 0; i < kBusBatchRecords; ++i) {
    const PlacedObservation seen = sound.next(kSecond);
    BusRecord record = flows.record_of(seen.observation, flows.number_of(seen));
    record.time_ns = time += 70'000;
    batch.records.push_back(record);
  }
  batch.first = 123'456'789;
  batch.stream = 3;
  batch.sent_ns = batch.echoed_received_ns = time;
  batch.token = batch.echoed_token = 123'456'789'000;
  const BusMessage message{0x1234567890abcdef, batch};
  constexpr int rounds = 4000;
  std::size_t bytes = 0;
  double before = thread_seconds();
  for (int i = 0; i < rounds; ++i) bytes = encode(message).size();
  const double scale = 1e9 / rounds / static_cast<double>(kBusBatchRecords);
  figure("encoding an observation", (thread_seconds() - before) * scale, "ns");
  const std::string wire = encode(message);
  BusMessage decoded;
  before = thread_seconds();
  for (int i = 0; i < rounds; ++i) (void)decode(wire, decoded);
  figure("decoding an observation", (thread_seconds() - before) * scale, "ns");
  const double each = static_cast<double>(bytes) / static_cast<double>(kBusBatchRecords);
  figure("bytes of an observation in a full batch", each, "bytes", "<= 64", each <= 64);
}

// A node over a real server, generating at a pace.
class Node {
 public:
  Node(const std::string& url, BusMember self, bool matches) : matcher_(Options{}, sink_) {
    NatsSettings settings;
    settings.self = self;
    settings.node = "node-" + std::to_string(self);
    settings.urls = {url};
    settings.subject = "bench-" + std::to_string(getpid());
    auto made = NatsTransport::create(settings);
    transport_ = std::move(*made);
    bus_ = std::make_unique<Bus>(
        settings_of(self), *transport_, names_,
        Bus::Matching{[this, matches](const PlacedObservation& seen) {
                        if (matches) matcher_.observe(seen);
                      },
                      [](std::uint32_t, std::uint64_t) {},
                      [this](const FlowKey& flow, std::uint32_t node) { return matcher_.is_behind(flow, node); }},
        [](LogLevel, const char*, const std::string&) {});
    clock_.measure();
  }

  bool met() {
    bus_->set_clock(clock_.offset_ns(), 0);
    bus_->step(monotonic_ns());
    return bus_->stats().members == 2;
  }

  // Own observations at twice the rate: half of them are the other node's.
  void run(double seconds, double rate) {
    Sound sound(bus_->stats().members + static_cast<std::uint64_t>(getpid()) + transport_.get()->fd());
    const EventTime start = monotonic_ns();
    const BusStats before = bus_->stats();
    double made = 0;
    for (EventTime now = start; now < start + static_cast<EventTime>(seconds * 1e9); now = monotonic_ns()) {
      const double due = static_cast<double>(now - start) * 1e-9 * rate * 2;
      for (int i = 0; i < 512 && made < due; ++i, ++made) {
        PlacedObservation seen = sound.next(now);
        if (bus_->route(seen)) matcher_.observe(seen);
      }
      bus_->step(now);
      matcher_.advance(now);
      if (made >= due) std::this_thread::yield();
    }
    const BusStats after = bus_->stats();
    sent = static_cast<double>(after.out.sent - before.out.sent) / seconds;
    received = static_cast<double>(after.in.received - before.in.received) / seconds;
    lost = static_cast<double>(after.out.queue_full + after.in.lost + after.in.late + after.in.out_of_time +
                               after.in.no_clock + after.transport.observations_unsent +
                               after.transport.observations_untaken);
  }

  double sent = 0, received = 0, lost = 0;

 private:
  StaticResolver own_;
  BusNames names_{own_};
  NoSink sink_;
  Matcher matcher_;
  WallClock clock_;
  std::unique_ptr<NatsTransport> transport_;
  std::unique_ptr<Bus> bus_;
};

int bench_through(const char* url) {
  Node node(url, 0x1111111111111111, true);
  Node other(url, 0x9999999999999999, false);
  for (const EventTime end = monotonic_ns() + 10 * kSecond; !(node.met() & other.met());) {
    if (monotonic_ns() > end) {
      std::fprintf(stderr, "bench-bus: the two nodes do not meet at %s\n", url);
      return 1;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::thread peer([&] { other.run(kSeconds + 0.5, kWantedRate * 1.05); });
  node.run(kSeconds, kWantedRate * 1.05);
  peer.join();
  figure("out of one node", node.sent, "1/s", ">= 300,000", node.sent >= kWantedRate);
  figure("into it at the same time", node.received, "1/s", ">= 300,000", node.received >= kWantedRate);
  figure("lost on the way", node.lost + other.lost, "observations");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  bench_route();
  bench_codec();
  return argc > 1 ? bench_through(argv[1]) : 0;
}
