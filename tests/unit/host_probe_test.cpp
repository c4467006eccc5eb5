// SPDX-License-Identifier: Apache-2.0
#include "host_probe.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace audio_latency {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

HostFinding with_capabilities(const std::string& mask) {
  const auto file = std::filesystem::path(::testing::TempDir()) / ("host-probe-status-" + std::to_string(getpid()));
  std::ofstream(file) << "Name:\tx\nCapPrm:\t000001ffffffffff\nCapEff:\t" << mask << "\n";
  HostFinding finding = probe_capabilities(file);
  std::filesystem::remove(file);
  return finding;
}

TEST(Capabilities, RootAndTheThreeAreEnough) {
  EXPECT_TRUE(with_capabilities("000001ffffffffff").ok);
  EXPECT_TRUE(with_capabilities("000000c000001000").ok);  // BPF, PERFMON, NET_ADMIN
  EXPECT_TRUE(with_capabilities("0000000000201000").ok);  // SYS_ADMIN implies the first two
}

TEST(Capabilities, AMissingOneIsNamed) {
  const HostFinding none = with_capabilities("0000000000000000");
  EXPECT_FALSE(none.ok);
  EXPECT_THAT(none.sentence, AllOf(HasSubstr("CAP_BPF"), HasSubstr("CAP_NET_ADMIN"), HasSubstr("CAP_PERFMON")));
  const HostFinding one = with_capabilities("000000c000000000");
  EXPECT_FALSE(one.ok);
  EXPECT_THAT(one.sentence, AllOf(HasSubstr("CAP_NET_ADMIN"), Not(HasSubstr("CAP_BPF"))));
}

TEST(HostProbe, NamesAMissingInterface) {
  Options options;
  options.interfaces = {"no-such-device"};
  options.interfaces_defaulted = false;
  bool found = false;
  for (const HostFinding& finding : probe_host(options)) {
    if (finding.what != "interfaces") continue;
    found = true;
    EXPECT_FALSE(finding.ok);
    EXPECT_THAT(finding.sentence, HasSubstr("no-such-device"));
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace audio_latency
