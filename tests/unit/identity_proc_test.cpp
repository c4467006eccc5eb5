// SPDX-License-Identifier: Apache-2.0
#include "identity_proc.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "identity_clock.hpp"
#include "identity_containers.hpp"
#include "identity_place.hpp"
#include "identity_scanner.hpp"

namespace audio_latency {
namespace {

namespace fs = std::filesystem;

const std::string kId(64, 'a');
const std::string kUid = "0a1b2c3d-1111-4222-8333-444455556666";

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

class FakeProc : public testing::Test {
 protected:
  void SetUp() override {
    root = fs::path(testing::TempDir()) / ("proc-" + std::to_string(getpid()));
    fs::remove_all(root);
    fs::create_directories(root);
  }
  void TearDown() override { fs::remove_all(root); }

  void process(int pid, const std::string& command, const std::vector<std::string>& files,
               const std::string& cgroup = "0::/") {
    const fs::path directory = root / std::to_string(pid);
    write(directory / "stat",
          std::to_string(pid) + " (" + command + ") S 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 9 9");
    write(directory / "cgroup", cgroup + "\n");
    fs::create_directories(directory / "fd");
    fs::create_directories(directory / "ns");
    fs::create_symlink("net:[4026531840]", directory / "ns/net");
    for (std::size_t i = 0; i < files.size(); ++i) fs::create_symlink(files[i], directory / "fd" / std::to_string(i));
  }

  fs::path root;
};

TEST_F(FakeProc, ListsAndDescribesProcesses) {
  process(42, "odd) (name", {});
  process(7, "relay", {});
  write(root / "meminfo", "");
  EXPECT_EQ(list_processes(root), (std::vector<std::uint32_t>{7, 42}));
  const auto process = describe_process(root, 42);
  ASSERT_TRUE(process);
  EXPECT_EQ(process->command, "odd) (name");
  EXPECT_EQ(process->start_time, 777U);
  EXPECT_FALSE(describe_process(root, 43));
  EXPECT_EQ(network_namespace(root, 7), 4026531840U);
}

// The kernel keeps 15 bytes of a command, and anybody may set any.
TEST_F(FakeProc, CommandsBecomeUtf8) {
  process(1, "\xd0\xb2\xd1\x8b\xd0\xb7\xd0\xbe\xd0\xb2\xd0\xbe\xd0\xb2\xd0", {});
  process(2, "\xff\xfe", {});
  EXPECT_EQ(describe_process(root, 1)->command, "\xd0\xb2\xd1\x8b\xd0\xb7\xd0\xbe\xd0\xb2\xd0\xbe\xd0\xb2\xef\xbf\xbd");
  EXPECT_EQ(describe_process(root, 2)->command, "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_F(FakeProc, FindsWhoHoldsASocket) {
  process(1, "init", {"socket:[11]", "socket:[12]"});
  process(20, "server", {"/dev/null", "socket:[12]", "socket:[13]", "pipe:[14]", "socket:[x]"});
  process(21, "worker", {"socket:[13]"});
  const auto owners = owners_of_sockets(root, {1, 20, 21, 22}, {11, 12, 13, 14, 15});
  EXPECT_EQ(owners.pid_of.at(11), 1U);
  EXPECT_EQ(owners.pid_of.at(12), 20U) << "init handed it on";
  EXPECT_EQ(owners.pid_of.at(13), 20U) << "the eldest of several";
  EXPECT_EQ(owners.pid_of.size(), 3U);
}

TEST(ContainerOfCgroup, KnowsTheRuntimes) {
  const std::string underscored = "0a1b2c3d_1111_4222_8333_444455556666";
  const struct {
    std::string text;
    std::string uid;
  } cases[] = {
      {"0::/system.slice/docker-" + kId + ".scope", ""},
      {"12:devices:/docker/" + kId + "\n0::/", ""},
      {"0::/machine.slice/libpod-" + kId + ".scope/container", ""},
      {"0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + underscored + ".slice/cri-containerd-" +
           kId + ".scope",
       kUid},
      {"0::/kubepods.slice/kubepods-pod" + underscored + ".slice/crio-" + kId + ".scope", kUid},
      {"4:memory:/kubepods/besteffort/pod" + kUid + "/" + kId, kUid},
      {"0::/../../kubepods-pod" + underscored + ".slice/cri-containerd-" + kId + ".scope", kUid},
      {"0::/kubepods/burstable/pod" + std::string(32, 'b') + "/" + kId, std::string(32, 'b')},
  };
  for (const auto& each : cases) {
    const auto found = container_of_cgroup(each.text);
    ASSERT_TRUE(found) << each.text;
    EXPECT_EQ(found->id, kId) << each.text;
    EXPECT_EQ(found->pod_uid, each.uid) << each.text;
  }
  for (const char* none :
       {"", "0::/", "0::/user.slice/user-0.slice/session-1.scope", "0::/system.slice/podman.service", "x"}) {
    EXPECT_FALSE(container_of_cgroup(none)) << none;
  }
}

TEST_F(FakeProc, ContainerNamesFromTheirStateDirectories) {
  const std::string docker(64, '1'), nerdctl(64, '2'), cri(64, '3'), podman(64, '4');
  write(root / "var/lib/docker/containers" / docker / "config.v2.json", R"({"Name": "/asterisk"})");
  const fs::path tasks = root / "run/containerd/io.containerd.runtime.v2.task";
  write(tasks / "default" / nerdctl / "config.json", R"({"annotations": {"nerdctl/name": "asr"}})");
  write(
      tasks / "k8s.io" / cri / "config.json",
      R"({"annotations": {"io.kubernetes.cri.sandbox-name": "relay-0", "io.kubernetes.cri.sandbox-namespace": "media"}})");
  write(root / "var/lib/containers/storage/overlay-containers/containers.json",
        R"([{"id": ")" + podman + R"(", "names": ["tts"]}])");
  ContainerNames names(root);
  EXPECT_EQ(names.find(docker).name, "asterisk");
  EXPECT_EQ(names.find(nerdctl).name, "asr");
  EXPECT_EQ(names.find(cri).name, "relay-0");
  EXPECT_EQ(names.find(cri).namespace_name, "media");
  EXPECT_EQ(names.find(podman).name, "tts");
  EXPECT_EQ(names.find(std::string(64, '5')).name, "555555555555");
}

// The whole chain with a socket of this very process.
class Scan : public FakeProc {
 protected:
  void SetUp() override {
    FakeProc::SetUp();
    socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    ASSERT_EQ(bind(socket_fd, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
    socklen_t length = sizeof any;
    getsockname(socket_fd, reinterpret_cast<sockaddr*>(&any), &length);
    port = ntohs(any.sin_port);
    link = fs::read_symlink("/proc/self/fd/" + std::to_string(socket_fd));
  }
  void TearDown() override {
    close(socket_fd);
    FakeProc::TearDown();
  }
  const Endpoint* who(LocalScanner& scanner) {
    const EventTime now = monotonic_now();
    IdentitySnapshot snapshot;
    snapshot.local = scanner.scan(now);
    PlacedObservation placed;
    placed.observation.time = now;
    placed.observation.flow = {
        {*IpAddress::parse("127.0.0.1"), port}, {*IpAddress::parse("127.0.0.1"), 9}, IPPROTO_UDP};
    asked = place_by_snapshot(snapshot, placed).sockets;
    return registry.find(placed.sender.endpoint);
  }

  EndpointRegistry registry;
  PodDirectory pods{registry};
  int socket_fd = -1;
  std::uint16_t port = 0;
  std::string link;
  bool asked = false;
};

TEST_F(Scan, NamesProcesses) {
  process(4711, "relay", {link});
  LocalScanner scanner({root, root, "node-1"}, registry, pods);
  const Endpoint* endpoint = who(scanner);
  ASSERT_NE(endpoint, nullptr);
  EXPECT_EQ(endpoint->kind, EndpointKind::process);
  EXPECT_EQ(endpoint->name, "relay[4711]");
  EXPECT_EQ(endpoint->workload, "relay");
}

TEST_F(Scan, NamesContainers) {
  process(4711, "relay", {link}, "0::/docker/" + kId);
  write(root / "var/lib/docker/containers" / kId / "config.v2.json", R"({"Name": "/mixer"})");
  LocalScanner scanner({root, root, "node-1"}, registry, pods);
  const Endpoint* endpoint = who(scanner);
  ASSERT_NE(endpoint, nullptr);
  EXPECT_EQ(endpoint->kind, EndpointKind::container);
  EXPECT_EQ(endpoint->name, "mixer");
}

TEST_F(Scan, NamesPodsThatShareTheNodesAddress) {
  PodRecord pod{kUid, "rtpengine-x7k2", "media", "node-1", "rtpengine", {}, {}, true, false};
  pods.upsert(pod, 0);
  process(4711, "rtpengine", {link}, "0::/kubepods/pod" + kUid + "/" + kId);
  LocalScanner scanner({root, root, "node-1"}, registry, pods);
  const Endpoint* endpoint = who(scanner);
  ASSERT_NE(endpoint, nullptr);
  EXPECT_EQ(endpoint->kind, EndpointKind::pod);
  EXPECT_EQ(endpoint->name, "rtpengine-x7k2");
}

TEST_F(Scan, UnknownSocketsAreAskedForAgain) {
  process(4711, "relay", {});
  LocalScanner scanner({root, root, "node-1"}, registry, pods);
  EXPECT_EQ(who(scanner), nullptr);
  EXPECT_TRUE(asked);
}

TEST_F(Scan, AProcessThatIsGoneLosesItsName) {
  process(4711, "relay", {link});
  LocalScanner scanner({root, root, "node-1"}, registry, pods);
  ASSERT_NE(who(scanner), nullptr);
  fs::remove_all(root / "4711");
  EXPECT_EQ(who(scanner), nullptr);
  process(4712, "other", {link});
  const Endpoint* endpoint = who(scanner);
  EXPECT_EQ(endpoint, nullptr) << "the socket was looked for when nobody had it";
}

}  // namespace
}  // namespace audio_latency
