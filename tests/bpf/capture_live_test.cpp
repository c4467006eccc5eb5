// SPDX-License-Identifier: Apache-2.0
#include "capture_live.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <random>
#include <thread>

#include "fd.hpp"

namespace audio_latency {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

class Journal : public CaptureLog {
 public:
  void on_capture_event(const std::string& event_type, const std::string& interface,
                        const std::string& message) override {
    lines.push_back(event_type + " " + interface + ": " + message);
  }
  std::vector<std::string> lines;
};

class Collector : public ObservationSink {
 public:
  void on_observation(const Observation& observation) override { seen.push_back(observation); }
  std::vector<Observation> seen;
};

void shell(const std::string& line) {
  ASSERT_EQ(std::system(line.c_str()), 0) << line;  // NOLINT(cert-env33-c): a test with fixed text
}

// Each test is a process of its own, in a network namespace of its own.
class LiveCaptures : public ::testing::TestWithParam<AttachMode> {
 protected:
  void SetUp() override {
    if (unshare(CLONE_NEWNET) != 0) GTEST_SKIP() << "needs root";
    shell("ip link set lo up && ip link add veth1 type veth peer name peer1 && ip link set veth1 up");
    options_.attach_mode = GetParam();
    options_.interfaces_defaulted = false;
    options_.interfaces = {"lo"};
    options_.ring_buffer_size = 1 << 20;
    options_.scan_budget_mbps = 100'000;  // here packets come faster than audio does
  }

  void start() {
    auto created = LiveCapture::create(options_, log_);
    ASSERT_TRUE(created.ok()) << created.error().message;
    capture_ = std::move(created.value());
  }

  void drain_until(const std::function<bool()>& done) {
    const auto deadline = steady_clock::now() + seconds(20);
    while (!done() && steady_clock::now() < deadline) {
      pollfd waiting{capture_->fd(), POLLIN, 0};
      poll(&waiting, 1, 1000);
      ASSERT_TRUE(capture_->drain(sink_).ok());
    }
    EXPECT_TRUE(done());
  }

  // Random bytes select about 1 window in 256 positions.
  static void send_noise(int packets) {
    const Fd socket(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(5004);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::minstd_rand random(7);
    for (int i = 0; i < packets; ++i) {
      std::string payload(1000, '\0');
      for (char& byte : payload) byte = static_cast<char>(random() >> 8);
      sendto(socket.get(), payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    }
  }

  al_counters counters(const std::string& interface) const {
    for (const InterfaceCounters& row : capture_->stats().interfaces) {
      if (row.interface == interface) return row.counters;
    }
    return {};
  }

  Options options_;
  Journal log_;
  Collector sink_;
  std::unique_ptr<LiveCapture> capture_;
};

TEST_P(LiveCaptures, SeeEveryPacketOnceAndCountIt) {
  start();
  EXPECT_EQ(capture_->not_ready_reason(), "");
  EXPECT_EQ(capture_->stats().attached_interfaces, 1u);
  send_noise(200);
  drain_until([&] { return counters("lo").packets[AL_SCANNED] >= 200 && sink_.seen.size() >= counters("lo").emitted; });
  EXPECT_EQ(counters("lo").packets[AL_SCANNED], 200u);
  EXPECT_EQ(counters("lo").scanned_bytes, 200'000u);
  EXPECT_EQ(counters("lo").lost[AL_LOST_RING_FULL], 0u);
  EXPECT_GT(sink_.seen.size(), 300u);
  EXPECT_EQ(sink_.seen.size(), counters("lo").emitted);
  EXPECT_EQ(capture_->stats().received_events, sink_.seen.size());
  for (const Observation& seen : sink_.seen) {
    ASSERT_EQ(seen.flow.destination.to_string(), "127.0.0.1:5004");
    ASSERT_EQ(seen.point.interface, 1u);
    ASSERT_LE(seen.time, capture_->now() + 20'000'000'000);
  }
}

TEST_P(LiveCaptures, FollowAGlobThroughAppearanceRenameAndEnd) {
  options_.interfaces = {"pod*"};
  start();
  EXPECT_EQ(capture_->stats().attached_interfaces, 0u);
  EXPECT_EQ(capture_->not_ready_reason(), "");
  shell("ip link add pod1 type veth peer name other1");
  drain_until([&] { return capture_->stats().attached_interfaces == 1; });
  shell("ip link set pod1 name pod2");
  drain_until([&] { return log_.lines.size() >= 2; });
  EXPECT_EQ(log_.lines.back(), "tc_attached pod2: pod1 ingress is now called pod2; still attached");
  shell("ip link set pod2 name elsewhere");
  drain_until([&] { return capture_->stats().attached_interfaces == 0; });
  shell("ip link set elsewhere name pod3");
  drain_until([&] { return capture_->stats().attached_interfaces == 1; });
  shell("ip link delete pod3");
  drain_until([&] { return capture_->stats().attached_interfaces == 0; });
  for (const std::string& line : log_.lines) EXPECT_FALSE(line.starts_with("attach_error")) << line;
}

TEST_P(LiveCaptures, AMissingNameIsASentence) {
  options_.interfaces = {"veth1", "no-such-device"};
  const auto created = LiveCapture::create(options_, log_);
  ASSERT_FALSE(created.ok());
  EXPECT_NE(created.error().message.find("there is no interface no-such-device"), std::string::npos);
}

TEST_P(LiveCaptures, TheDefaultGivesWayToTheDefaultRoute) {
  options_.interfaces = {"eth0"};
  options_.interfaces_defaulted = true;
  EXPECT_FALSE(LiveCapture::create(options_, log_).ok());
  shell("ip address add 10.1.1.1/24 dev veth1 && ip link set peer1 up && ip route add default via 10.1.1.2");
  start();
  ASSERT_FALSE(log_.lines.empty());
  EXPECT_EQ(log_.lines[0], "attach_error veth1: there is no interface eth0: watching veth1, the default route's");
  EXPECT_EQ(capture_->stats().attached_interfaces, 1u);
}

TEST_P(LiveCaptures, ReloadMovesToOtherInterfacesAndKeepsCounters) {
  start();
  send_noise(10);
  options_.interfaces = {"veth1"};
  options_.direction = DirectionOption::both;
  options_.direction_defaulted = false;
  ASSERT_TRUE(capture_->reload(options_).ok());
  send_noise(10);
  EXPECT_EQ(counters("lo").packets[AL_SCANNED], 10u);
  EXPECT_EQ(capture_->stats().attached_interfaces, 1u);
  options_.interfaces = {"no-such-device"};
  EXPECT_FALSE(capture_->reload(options_).ok());
  EXPECT_EQ(capture_->stats().attached_interfaces, 1u);
  EXPECT_EQ(capture_->not_ready_reason(), "");
}

TEST_P(LiveCaptures, LeaveNothingBehind) {
  start();
  capture_.reset();
  shell("! tc qdisc show dev lo | grep -q clsact");
  shell("! bpftool net show | grep -q al_");
}

TEST_P(LiveCaptures, FlowsAgeAway) {
  options_.flow_timeout_ms = 2000;
  options_.audio_ports = {{5004, AL_FORMAT_RAW}};
  start();
  send_noise(1);
  drain_until([&] { return capture_->stats().flows == 1; });
  drain_until([&] { return capture_->stats().flows == 0; });
}

struct NoSink : PayloadSink {
  void on_payload(const Payload&) override {}
};

// Short connections: of unknown flows that are silent for a second, half of the table stays free. The other half keeps
// those seen last.
TEST_P(LiveCaptures, FlowsThatAreNoSoundMakeRoom) {
  options_.max_flows = 40;
  start();
  NoSink nobody;
  ASSERT_TRUE(capture_->set_payload_sink(&nobody).ok());
  for (int flow = 0; flow < 30; ++flow) send_noise(1);
  drain_until([&] { return capture_->stats().relieved_flows > 0; });
  EXPECT_EQ(capture_->stats().flows, 20U);
  EXPECT_GE(capture_->stats().relieved_flows, 8U);  // two of the sockets may have had one port
}

TEST_P(LiveCaptures, FlowsOfSoundStay) {
  options_.max_flows = 40;
  options_.audio_ports = {{5004, AL_FORMAT_PCM16LE}};
  start();
  for (int flow = 0; flow < 30; ++flow) send_noise(1);
  const auto later = steady_clock::now() + seconds(3);
  drain_until([&] { return steady_clock::now() > later; });
  EXPECT_GE(capture_->stats().flows, 28U);
  EXPECT_EQ(capture_->stats().relieved_flows, 0U);
}

INSTANTIATE_TEST_SUITE_P(Modes, LiveCaptures, ::testing::Values(AttachMode::tcx, AttachMode::clsact),
                         [](const auto& mode) { return mode.param == AttachMode::tcx ? "Tcx" : "Clsact"; });

}  // namespace
}  // namespace audio_latency
