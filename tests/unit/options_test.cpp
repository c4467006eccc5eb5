// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <map>

#include "options_load.hpp"
#include "options_parse.hpp"

namespace audio_latency {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Environment = std::map<std::string, std::string>;

// A value that is not allowed, and one that is and differs from the default, for every variable.
struct Example {
  const char* bad;
  const char* good;
};
const std::map<std::string, Example> kExamples = {
    {"INTERFACE", {"eth0,a/b", "lo,veth*"}},
    {"DIRECTION", {"up", "egress"}},
    {"ATTACH_MODE", {"xdp", "clsact"}},
    {"LOG_LEVEL", {"loud", "debug"}},
    {"LOG_FORMAT", {"xml", "json"}},
    {"METRICS_PORT", {"65536", "9191"}},
    {"METRICS_ADDRESS", {"localhost", "127.0.0.1"}},
    {"AUDIO_PORTS", {"5004/opus", "8080/raw,5004/rtp"}},
    {"RTP_PAYLOAD_TYPES", {"96:opus", "96:pcm16be,111:compressed"}},
    {"ALAW_DOMAIN", {"true", "on"}},
    {"SIGNATURE_ALGORITHM", {"md5", "crc32"}},
    {"SIGNATURE_WINDOW_SIZE", {"48", "32"}},
    {"SIGNATURE_SELECTIVITY", {"7", "10"}},
    {"SILENCE_THRESHOLD", {"-1", "100"}},
    {"MIN_AUDIO_PACKET_SIZE", {"0", "64"}},
    {"MAX_FLOWS", {"many", "5000"}},
    {"FLOW_TIMEOUT_MS", {"10", "60000"}},
    {"MAX_LATENCY_MS", {"0", "9000"}},
    {"MATCH_UNSEEN", {"yes", "on"}},
    {"MIN_MATCHES", {"0", "5"}},
    {"HOP_WINDOW_MS", {"1e3", "100"}},
    {"SETTLE_MS", {"10001", "250"}},
    {"TUNNEL_PORTS", {"4789,4789", "4789"}},
    {"SIGNATURE_TTL_SECONDS", {"0", "30"}},
    {"MAX_ACTIVE_SIGNATURES", {"12", "5000"}},
    {"RING_BUFFER_SIZE", {"5000", "8192"}},
    {"PAYLOAD_BUFFER_SIZE", {"4097", "8192"}},
    {"SCAN_BUDGET_MBPS", {"fast", "50"}},
    {"MAX_SERIES", {"0", "10"}},
    {"LATENCY_BUCKETS", {"0.1,0.1", "0.1,0.5,1"}},
    {"NAMES_FILE", {nullptr, "/etc/names.yaml"}},  // any text may be a path
    {"K8S_ENABLED", {"maybe", "false"}},
    {"K8S_API_URL", {"ftp://api", "https://10.0.0.1:6443"}},
    {"K8S_SERVICE_ACCOUNT_DIR", {"", "/run/account"}},
    {"K8S_SCOPE", {"all", "node"}},
    {"K8S_WATCH_SERVICES", {"on", "true"}},
    {"PROCESS_IDENTITY", {"true", "off"}},
    {"METRIC_IDENTITY", {"service", "workload"}},
    {"K8S_NODE_NAME", {"Node_1", "node-1"}},
    {"BUS_URL", {"http://bus:4222", "nats://bus:4222"}},
    {"BUS_SUBJECT", {"audio..latency", "voice.prod"}},
    {"BUS_OWNERS", {"0", "4"}},
    {"BUS_USER", {nullptr, "tracker"}},
    {"BUS_PASSWORD_FILE", {nullptr, "/run/bus/password"}},
    {"BUS_TOKEN_FILE", {nullptr, "/run/bus/token"}},
    {"BUS_NKEY", {"U123", "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"}},
    {"BUS_NKEY_SEED_FILE", {nullptr, "/run/bus/seed"}},
    {"BUS_CREDENTIALS_FILE", {nullptr, "/run/bus/user.creds"}},
    {"BUS_CA_FILE", {nullptr, "/run/bus/ca.pem"}},
    {"BUS_CERTIFICATE_FILE", {nullptr, "/run/bus/client.pem"}},
    {"BUS_KEY_FILE", {nullptr, "/run/bus/client.key"}},
    {"CLOCK_CORRECTION", {"yes", "on"}},
    {"TEST_CLOCK_OFFSET_MS", {"1.5", "-2000"}},
};

Loaded load(const Environment& environment, std::vector<Setting> flags = {}, const std::string& file = "") {
  const auto look_up = [&](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  };
  return load_options({std::move(flags), look_up, file});
}

class SettingsFile {
 public:
  explicit SettingsFile(const std::string& text)
      : path_(testing::TempDir() + "settings-" + std::to_string(getpid()) + ".yaml") {
    std::ofstream(path_) << text;
  }
  ~SettingsFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Options, EveryVariableHasAnExample) {
  for (const Variable& variable : variables()) EXPECT_TRUE(kExamples.contains(std::string(variable.name)));
  EXPECT_EQ(kExamples.size(), variables().size());
}

TEST(Options, DefaultsAreTheDocumentedOnes) {
  const Loaded loaded = load({});
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_THAT(loaded.warnings, IsEmpty());
  for (const Variable& variable : variables()) {
    const bool rule =
        variable.name == "SETTLE_MS" || variable.name == "SIGNATURE_TTL_SECONDS" || variable.name == "LATENCY_BUCKETS";
    if (rule) continue;
    EXPECT_EQ(variable.print(loaded.options), variable.fallback) << variable.name;
  }
  EXPECT_EQ(loaded.options.settle_ms, 100U);
  EXPECT_EQ(loaded.options.signature_ttl_seconds, 12U);
  EXPECT_TRUE(loaded.options.interfaces_defaulted);
  EXPECT_EQ(default_latency_buckets().size(), 33U);
}

TEST(Options, EverySourceSetsEveryVariable) {
  for (const Variable& variable : variables()) {
    const std::string name(variable.name);
    const std::string good = kExamples.at(name).good;
    const SettingsFile file(key_name(variable) + ": \"" + good + "\"\n");
    const std::map<Origin, Loaded> loads = {{Origin::environment, load({{name, good}})},
                                            {Origin::flag, load({}, {{name, good, "flag"}})},
                                            {Origin::file, load({}, {}, file.path())}};
    for (const auto& [origin, loaded] : loads) {
      EXPECT_THAT(loaded.errors, IsEmpty()) << name;
      EXPECT_EQ(variable.print(loaded.options), good) << name;
      EXPECT_EQ(loaded.origins[static_cast<std::size_t>(&variable - variables().data())], origin) << name;
    }
  }
}

TEST(Options, EverySourceRefusesABadValueByName) {
  for (const Variable& variable : variables()) {
    const std::string name(variable.name);
    const char* bad = kExamples.at(name).bad;
    if (bad == nullptr) continue;
    const SettingsFile file("# comment\n" + key_name(variable) + ": \"" + bad + "\"\n");
    const std::vector<Loaded> loads = {load({{name, bad}}), load({}, {{name, bad, "flag"}}), load({}, {}, file.path())};
    for (const Loaded& loaded : loads) {
      ASSERT_THAT(loaded.errors, SizeIs(1)) << name;
      EXPECT_THAT(loaded.errors[0], AllOf(HasSubstr(name), HasSubstr(bad), HasSubstr(std::string(variable.allowed))))
          << name;
      EXPECT_EQ(variable.print(loaded.options), variable.print(load({}).options)) << name;
    }
    EXPECT_THAT(loads[2].errors[0], HasSubstr(file.path() + ":2")) << name;
  }
}

TEST(Options, FlagOverEnvironmentOverFileOverDefault) {
  const SettingsFile file("max_flows: 300\nmin_matches: 7\nmetrics_port: 8000\n");
  const Loaded loaded =
      load({{"MAX_FLOWS", "200"}, {"MIN_MATCHES", "6"}}, {{"MAX_FLOWS", "100", "flag --max-flows"}}, file.path());
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_EQ(loaded.options.max_flows, 100U);
  EXPECT_EQ(loaded.options.min_matches, 6U);
  EXPECT_EQ(loaded.options.metrics_port, 8000);
  EXPECT_EQ(loaded.options.settle_ms, 100U);
}

TEST(Options, NamesTheWrongItemOfAList) {
  std::string ports;
  for (int port = 1; port <= 2'000; ++port) ports += std::to_string(port) + ',';
  for (const auto& [name, list, wrong] : std::vector<std::array<std::string, 3>>{
           {"AUDIO_PORTS", ports + "7,3000", "7"},
           {"AUDIO_PORTS", "x,80", "x"},
           {"AUDIO_PORTS", "80,", ""},
           {"TUNNEL_PORTS", "1,2,3,4,5,6,7,8,9", "9"},
           {"RTP_PAYLOAD_TYPES", "96:pcmu,97:mp3,98:pcma", "97:mp3"},
           {"LATENCY_BUCKETS", "0.1,0.5,0.2,1", "0.2"},
           {"INTERFACE", "eth0,a/b,lo", "a/b"},
       })
    EXPECT_THAT(load({{name, list}}).errors, ElementsAre(HasSubstr("(environment), where '" + wrong + "' is wrong: ")))
        << name;
  EXPECT_THAT(load({{"METRICS_PORT", "1,2"}}).errors, ElementsAre(HasSubstr("(environment): allowed")));
}

TEST(Options, AllErrorsAreReported) {
  EXPECT_THAT(load({{"MAX_FLOWS", "x"}, {"MIN_MATCHES", "y"}}).errors, SizeIs(2));
}

TEST(Options, DependentDefaults) {
  EXPECT_EQ(load({{"MAX_LATENCY_MS", "30500"}}).options.signature_ttl_seconds, 33U);
  EXPECT_EQ(load({{"BUS_URL", "nats://b:4222"}}).options.settle_ms, 300U);
  EXPECT_EQ(load({{"INTERFACE", "auto"}}).options.direction, DirectionOption::both);
  EXPECT_EQ(load({{"INTERFACE", "auto"}, {"DIRECTION", "egress"}}).options.direction, DirectionOption::egress);
  EXPECT_FALSE(load({{"INTERFACE", "eth0"}}).options.interfaces_defaulted);
}

TEST(Options, TtlBelowLatencyIsAnError) {
  EXPECT_THAT(load({{"SIGNATURE_TTL_SECONDS", "5"}}).errors, ElementsAre(HasSubstr("SIGNATURE_TTL_SECONDS is '5'")));
}

TEST(Options, OldNameOfTheRingBufferWarns) {
  const Loaded old = load({{"PERF_BUFFER_SIZE", "8192"}});
  EXPECT_EQ(old.options.ring_buffer_size, 8192U);
  EXPECT_THAT(old.warnings, ElementsAre(HasSubstr("RING_BUFFER_SIZE")));
  const Loaded both = load({{"PERF_BUFFER_SIZE", "8192"}, {"RING_BUFFER_SIZE", "16384"}});
  EXPECT_EQ(both.options.ring_buffer_size, 16384U);
  EXPECT_THAT(both.warnings, SizeIs(1));
  const SettingsFile file("perf_buffer_size: 8192\n");
  EXPECT_EQ(load({}, {}, file.path()).options.ring_buffer_size, 8192U);
}

TEST(Options, FileRefusesWhatItDoesNotKnow) {
  for (const auto& [text, complaint] : std::map<std::string, std::string>{
           {"max_flow: 3\n", "'max_flow' is unknown"},
           {"MAX_FLOWS: 300\n", "'MAX_FLOWS' is unknown"},
           {"max_flows: 300\nmax_flows: 400\n", "twice"},
           {"max_flows: {a: 1}\n", "scalar"},
           {"audio_ports: [[1]]\n", "scalar"},
           {"- 1\n", "map"},
           {"a: [\n", "no valid YAML"},
           {"[1]: 2\n", "key"},
       }) {
    const SettingsFile file(text);
    EXPECT_THAT(load({}, {}, file.path()).errors, ElementsAre(HasSubstr(complaint))) << text;
  }
  EXPECT_THAT(load({}, {}, "/nonexistent/settings").errors, ElementsAre(HasSubstr("No such file")));
  EXPECT_THAT(load({}, {}, "/tmp").errors, ElementsAre(HasSubstr("directory")));
}

TEST(Options, FileTakesLists) {
  const SettingsFile file("audio_ports: [8080, 5004/rtp]\ninterface:\n  - lo\n  - veth*\nbus_url:\n");
  const Loaded loaded = load({}, {}, file.path());
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_THAT(loaded.options.audio_ports, ElementsAre(AudioPort{8080, AL_FORMAT_RAW}, AudioPort{5004, AL_FORMAT_RTP}));
  EXPECT_THAT(loaded.options.interfaces, ElementsAre("lo", "veth*"));
}

TEST(Options, MessagesEscapeWhatTheyQuote) {
  const auto errors = load({{"LOG_LEVEL", "x\n\x1b[2J" + std::string(1000, 'y')}}).errors;
  ASSERT_THAT(errors, SizeIs(1));
  EXPECT_THAT(errors[0], HasSubstr("x\\x0a\\x1b[2J"));
  EXPECT_LT(errors[0].size(), 400U);
}

}  // namespace
}  // namespace audio_latency
