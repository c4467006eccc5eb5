// SPDX-License-Identifier: Apache-2.0
#include "identity_watch.hpp"

#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "identity_clock.hpp"
#include "identity_kubernetes.hpp"
#include "support/identity_api_server.hpp"

namespace audio_latency {
namespace {

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return false;
}

class Watch : public testing::Test {
 protected:
  void TearDown() override {
    watcher.reset();
    std::filesystem::remove(token_file);
  }
  void watch(const std::string& node = "node-1") {
    KubernetesSettings settings;
    settings.api = {server.url(), "", std::filesystem::exists(token_file) ? token_file : ""};
    settings.node = node;
    settings.backoff_min = std::chrono::milliseconds(5);
    settings.backoff_max = std::chrono::milliseconds(20);
    auto created = KubernetesWatcher::create(
        settings, pods, services, [](const std::string&, const std::string&) {}, [] {});
    ASSERT_TRUE(created) << created.error().message;
    watcher = std::move(*created);
  }
  void write_token(const std::string& token) const { std::ofstream(token_file) << token; }
  // Who has the address now: name, or "" for nobody.
  std::string owner(const std::string& address) {
    const auto table = pods.pods(monotonic_now());
    const auto* entry = table->owners.find(*IpAddress::parse(address));
    const Endpoint* endpoint = entry == nullptr ? nullptr : registry.find(entry->id);
    return endpoint == nullptr ? "" : endpoint->name;
  }
  testing::AssertionResult comes(const std::string& address, const std::string& name) {
    if (eventually([&] { return owner(address) == name; })) return testing::AssertionSuccess();
    return testing::AssertionFailure() << address << " is '" << owner(address) << "'; " << watcher->not_ready_reason();
  }
  bool ready() {
    return eventually([&] { return watcher->not_ready_reason().empty(); });
  }
  bool reason_has(const std::string& text) {
    return eventually([&] { return watcher->not_ready_reason().find(text) != std::string::npos; });
  }

  FakeApiServer server;
  EndpointRegistry registry;
  PodDirectory pods{registry};
  ServiceDirectory services{registry};
  std::unique_ptr<KubernetesWatcher> watcher;
  std::string token_file = testing::TempDir() + "token-" + std::to_string(getpid());
};

TEST_F(Watch, AddAssignRelabelDeleteReuse) {
  server.send("ADDED", FakeApiServer::pod("u0", "before", "10.0.0.9"));
  watch();
  ASSERT_TRUE(comes("10.0.0.9", "before"));
  server.send("ADDED", FakeApiServer::pod("u1", "asr", ""));
  server.send("MODIFIED", FakeApiServer::pod("u1", "asr", "10.0.0.1"));
  ASSERT_TRUE(comes("10.0.0.1", "asr"));
  EXPECT_EQ(registry.find(pods.find("u1"))->workload, "call");
  auto relabelled = FakeApiServer::pod("u1", "asr", "10.0.0.1");
  relabelled["metadata"]["labels"] = {{"app", "speech"}};
  relabelled["metadata"].erase("ownerReferences");
  server.send("MODIFIED", relabelled);
  EXPECT_TRUE(eventually([&] { return registry.find(pods.find("u1"))->workload == "speech"; }));
  server.send("DELETED", FakeApiServer::pod("u1", "asr", "10.0.0.1"));
  EXPECT_TRUE(comes("10.0.0.1", ""));
  server.send("ADDED", FakeApiServer::pod("u2", "tts", "10.0.0.1"));
  EXPECT_TRUE(comes("10.0.0.1", "tts"));
  EXPECT_TRUE(ready());
  EXPECT_EQ(server.lists(), 1U);
  EXPECT_NE(server.requests()[0].find("fieldSelector=spec.nodeName%3Dnode-1"), std::string::npos);
}

TEST_F(Watch, ListsAgainAfterCompaction) {
  for (const bool by_status : {false, true}) {
    server.send("ADDED", FakeApiServer::pod("u1", "old", "10.0.0.1"));
    watch();
    ASSERT_TRUE(comes("10.0.0.1", "old"));
    server.stop();
    server.send("DELETED", FakeApiServer::pod("u1", "old", "10.0.0.1"));
    server.send("ADDED", FakeApiServer::pod("u2", "new", "10.0.0.2"));
    server.compact(by_status);
    const std::size_t lists = server.lists();
    server.start();
    EXPECT_TRUE(comes("10.0.0.2", "new"));
    EXPECT_TRUE(comes("10.0.0.1", ""));
    EXPECT_EQ(server.lists(), lists + 1);
    EXPECT_TRUE(ready());
    watcher.reset();
    server.send("DELETED", FakeApiServer::pod("u2", "new", "10.0.0.2"));
  }
}

TEST_F(Watch, GoesOnAfterARestartFromTheLastBookmark) {
  server.send("ADDED", FakeApiServer::pod("u1", "asr", "10.0.0.1"));
  watch();
  ASSERT_TRUE(comes("10.0.0.1", "asr"));
  server.send_bookmark();
  const std::uint64_t bookmark = server.version();
  server.send("ADDED", FakeApiServer::pod("u2", "last", "10.0.0.2"));
  ASSERT_TRUE(comes("10.0.0.2", "last"));
  server.stop();
  EXPECT_TRUE(reason_has("can't be reached"));
  EXPECT_EQ(owner("10.0.0.1"), "asr") << "what was known stays known";
  server.start();
  server.send("ADDED", FakeApiServer::pod("u3", "tts", "10.0.0.3"));
  EXPECT_TRUE(comes("10.0.0.3", "tts"));
  EXPECT_TRUE(ready());
  EXPECT_EQ(server.lists(), 1U);
  EXPECT_TRUE(server.watched_from(bookmark + 1));
}

TEST_F(Watch, ReadsTheTokenAgain) {
  write_token("first");
  server.want_token("first");
  server.send("ADDED", FakeApiServer::pod("u1", "asr", "10.0.0.1"));
  watch();
  ASSERT_TRUE(comes("10.0.0.1", "asr"));
  server.stop();
  server.want_token("second");
  server.start();
  EXPECT_TRUE(reason_has("does not accept the service account's token"));
  write_token("second");
  EXPECT_TRUE(ready());
  server.send("ADDED", FakeApiServer::pod("u2", "tts", "10.0.0.2"));
  EXPECT_TRUE(comes("10.0.0.2", "tts"));
}

TEST_F(Watch, SaysWhatIsRefused) {
  server.refuse(403, R"(pods is forbidden: User "system:serviceaccount:media:default" cannot list resource "pods")");
  watch();
  EXPECT_TRUE(reason_has("grant this service account get, list and watch on pods"));
  EXPECT_TRUE(reason_has("cannot list resource"));
  server.refuse(0, "");
  EXPECT_TRUE(ready());
}

TEST_F(Watch, EndsAtOnce) {
  watch();
  ASSERT_TRUE(eventually([&] { return server.watches() > 0; }));
  const auto before = std::chrono::steady_clock::now();
  watcher.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(2));
}

TEST_F(Watch, TenThousandPodsTakeLessThanAKilobyteEach) {
  constexpr std::size_t kPods = 10'000;
  for (std::size_t i = 0; i < kPods; ++i) {
    const std::string number = std::to_string(i);
    const std::string uid = "4f1d2c3b-0000-4000-8000-" + std::string(12 - number.size(), '0') + number;
    const std::string address =
        "10." + std::to_string(i / 65536) + "." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    server.send("ADDED", FakeApiServer::pod(uid, "telephony-gateway-7d4b9c6f5-" + number, address));
  }
  // The fake server's own memory is the same before and after; what a list takes while it is read is given back.
  const std::size_t before = mallinfo2().uordblks;
  watch("");
  ASSERT_TRUE(eventually([&] { return pods.size() == kPods; })) << pods.size() << " " << watcher->not_ready_reason();
  ASSERT_TRUE(ready());
  EXPECT_EQ(server.lists(), 20U) << "pages of 500";
  const auto table = pods.pods(monotonic_now());
  ASSERT_TRUE(eventually([&] { return server.watches() > 0; }));
  std::size_t each = 0;
  EXPECT_TRUE(eventually([&] { return (each = (mallinfo2().uordblks - before) / kPods) < 1024; }));
  RecordProperty("bytes_a_pod", static_cast<int>(each));
  EXPECT_EQ(owner("10.0.39.15"), "telephony-gateway-7d4b9c6f5-9999");
}

}  // namespace
}  // namespace audio_latency
