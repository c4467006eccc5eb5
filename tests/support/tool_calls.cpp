// SPDX-License-Identifier: Apache-2.0
// test-calls SECONDS: many RTP G.711 calls over several network namespaces, from one process. Each line of standard
// input is a call: SOURCE_NS SOURCE_IP RELAY_NS RELAY_IP SINK_NS SINK_IP PORT DELAY_MS SEED. The source sends sound of
// its own to PORT of the relay; the relay sends the same sound DELAY_MS later, cut 10 ms off, to PORT + 1 of the sink.
// Prints "ready", and at the end by how many ms the latest packet left late.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "support/frames.hpp"
#include "support/scenario_audio.hpp"

namespace {

using namespace audio_latency;  // NOLINT(google-build-using-namespace)

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kPacket = 20 * kMillisecond;
constexpr std::size_t kPacketBytes = 160;
constexpr std::size_t kPhaseBytes = 80;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "test-calls: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

sockaddr_in ipv4(const std::string& address, unsigned port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  if (inet_pton(AF_INET, address.c_str(), &result.sin_addr) != 1) fail(address);
  result.sin_port = htons(static_cast<std::uint16_t>(port));
  return result;
}

// A UDP socket of a namespace that throws away whatever it gets.
int open_socket(const std::string& space, const sockaddr_in& here) {
  const int handle = open(("/run/netns/" + space).c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0 || setns(handle, CLONE_NEWNET) != 0) fail(space);
  close(handle);
  sock_filter nothing[] = {{BPF_RET | BPF_K, 0, 0, 0}};
  const sock_fprog program{1, nothing};
  const int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0 ||
      bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) {
    fail("socket in " + space);
  }
  return fd;
}

struct Leg {
  int fd;
  sockaddr_in to;
  std::int64_t due;  // ns
  std::size_t at;    // in the call's sound
  std::size_t call;
  std::uint32_t ssrc;
  std::uint32_t number = 0;
};

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// Sends the next packet; false at the end of the sound.
bool send_next(Leg& leg, const scenario::Bytes& sound) {
  const std::size_t bytes = leg.at == 0 && leg.number == 0 && leg.ssrc % 2 == 1 ? kPhaseBytes : kPacketBytes;
  if (leg.at + bytes > sound.size()) return false;
  const std::string packet = test::rtp(0, static_cast<std::uint16_t>(leg.number), static_cast<std::uint32_t>(leg.at),
                                       leg.ssrc, {reinterpret_cast<const char*>(sound.data()) + leg.at, bytes});
  // What a full queue drops is one packet less.
  sendto(leg.fd, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&leg.to), sizeof leg.to);
  leg.at += bytes;
  leg.due += static_cast<std::int64_t>(bytes) * kPacket / static_cast<std::int64_t>(kPacketBytes);
  ++leg.number;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: test-calls SECONDS <calls\n", stderr);
    return 2;
  }
  const double seconds = std::strtod(argv[1], nullptr);
  std::vector<scenario::Bytes> sounds;
  std::vector<Leg> legs;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string source_space, source, relay_space, relay, sink_space, sink;
    unsigned port = 0, delay_ms = 0, seed = 0;
    if (!(words >> source_space >> source >> relay_space >> relay >> sink_space >> sink >> port >> delay_ms >> seed)) {
      errno = EINVAL;
      fail(line);
    }
    scenario::Random random(seed);
    sounds.push_back(scenario::mu_law(scenario::speech(random, seconds, 8000)));
    const int from_source = open_socket(source_space, ipv4(source, port));
    const int from_relay = open_socket(relay_space, ipv4(relay, port));
    open_socket(sink_space, ipv4(sink, port + 1));
    const std::int64_t start = static_cast<std::int64_t>(random.word() % 20) * kMillisecond;
    legs.push_back({from_source, ipv4(relay, port), start, 0, sounds.size() - 1, 2 * seed, 0});
    // A chunk leaves the relay when its last sample has been there for the delay.
    legs.push_back(
        {from_relay, ipv4(sink, port + 1), start + delay_ms * kMillisecond, 0, sounds.size() - 1, 2 * seed + 1, 0});
  }
  std::puts("ready");
  (void)std::fflush(stdout);
  const std::int64_t start = now_ns();
  std::int64_t latest = 0;
  for (std::size_t playing = legs.size(); playing > 0;) {
    std::int64_t next = kPacket;
    const std::int64_t now = now_ns() - start;
    for (Leg& leg : legs) {
      while (leg.fd >= 0 && leg.due <= now) {
        latest = std::max(latest, now_ns() - start - leg.due);
        if (send_next(leg, sounds[leg.call])) continue;
        leg.fd = -1;
        --playing;
      }
      if (leg.fd >= 0) next = std::min(next, leg.due - now);
    }
    const timespec pause{0, std::max<std::int64_t>(next, 100'000)};
    nanosleep(&pause, nullptr);
  }
  std::printf("%.3f\n", static_cast<double>(latest) * 1e-6);
  return 0;
}
