// SPDX-License-Identifier: Apache-2.0
// test-frames: many WebSocket connections with sound at once, for benchmarks. Both print "ready" and the bytes of a
// frame.
//   receive ADDRESS PORT: takes every connection and throws away whatever arrives, until killed
//   send RECORDINGS FORMAT FRAME_MS STREAMS FIRST_SOURCE SOURCES ADDRESS PORT: STREAMS connections from SOURCES
//   addresses, each with sound of its own (two places of the recordings, mixed) at its own pace, until killed.
//   FORMAT: pcm16 (16 kHz, binary messages, masked) or twilio (8 kHz µ-law in JSON)
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "support/format_wire.hpp"
#include "support/scenario_audio.hpp"

namespace {

using namespace audio_latency;
using test::Bytes;

constexpr std::size_t recorded_samples = 8'000'000;
constexpr timespec between_reads{0, 5'000'000};
constexpr std::int64_t batch = 20;  // streams that are sent without a pause between them

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "test-frames: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

sockaddr_in ipv4(const std::string& address, std::uint32_t further, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  if (inet_pton(AF_INET, address.c_str(), &result.sin_addr) != 1) fail(address);
  result.sin_addr.s_addr = htonl(ntohl(result.sin_addr.s_addr) + further);
  return result;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

void ready(std::size_t frame_bytes) {
  std::printf("ready %zu\n", frame_bytes);
  std::fflush(stdout);
}

int receive(const std::string& address, std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in here = ipv4(address, 0, port);
  const int poll = epoll_create1(0);
  epoll_event wanted{EPOLLIN, {.fd = listener}};
  if (bind(listener, generic(here), sizeof here) != 0 || listen(listener, 4096) != 0) fail("listen");
  if (epoll_ctl(poll, EPOLL_CTL_ADD, listener, &wanted) != 0) fail("epoll");
  ready(0);
  std::vector<epoll_event> events(256);
  for (;;) {
    const int count = epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd != listener) {
        if (recv(fd, nullptr, 1 << 20, MSG_TRUNC) <= 0) epoll_ctl(poll, EPOLL_CTL_DEL, fd, nullptr);
        continue;
      }
      epoll_event next{EPOLLIN, {.fd = accept(listener, nullptr, nullptr)}};
      if (next.data.fd < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, next.data.fd, &next) != 0) fail("accept");
    }
    // Or it is woken for each frame, and its wake-ups interrupt what is to be measured.
    if (count < static_cast<int>(events.size())) nanosleep(&between_reads, nullptr);
  }
}

struct Load {
  scenario::Samples recorded;
  bool twilio = false;
  std::size_t samples = 0;  // of a frame
  std::int64_t frame_ns = 0;
};

// The next frame of a stream. No two streams are alike, also where one of the places is silent: each has a level of its
// own. Nor does one repeat itself soon.
Bytes frame(const Load& load, std::size_t stream, std::size_t number) {
  const std::size_t size = load.recorded.size() - load.samples;
  const std::size_t first = (stream * 3671 + number * load.samples) % size;
  const std::size_t second = (size / 2 + stream * 7919 * 5 + number * load.samples) % size;
  const auto level = static_cast<int>(stream % 2048);
  scenario::Samples mixed(load.samples);
  for (std::size_t i = 0; i < load.samples; ++i)
    mixed[i] = static_cast<std::int16_t>(
        (load.recorded[first + i] * (1024 + level) + load.recorded[second + i] * (1024 - level / 2)) / 4096);
  const auto mask = static_cast<std::uint32_t>(number * 2654435761U ^ stream * 40503U);
  if (!load.twilio) return test::websocket_frame(scenario::pcm16le(mixed), {.opcode = 2, .mask = mask});
  return test::websocket_frame(test::bytes_of(test::twilio_media(scenario::mu_law(mixed))),
                               {.opcode = 1, .mask = mask});
}

std::vector<int> connect_all(std::size_t streams, const std::string& source, std::uint32_t sources,
                             const sockaddr_in& there) {
  constexpr std::string_view upgrade =
      "GET /media HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  std::vector<int> sockets;
  for (std::uint32_t i = 0; i < streams; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in here = ipv4(source, i % sources, 0);
    const int on = 1;
    if (bind(fd, generic(here), sizeof here) != 0 || connect(fd, generic(there), sizeof there) != 0) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (send(fd, upgrade.data(), upgrade.size(), 0) < 0) fail("send");
    sockets.push_back(fd);
  }
  return sockets;
}

[[noreturn]] void send_for_ever(const Load& load, const std::vector<int>& sockets) {
  timespec start{};
  clock_gettime(CLOCK_MONOTONIC, &start);
  const auto streams = static_cast<std::int64_t>(sockets.size());
  for (std::int64_t number = 0;; ++number) {
    for (std::int64_t stream = 0; stream < streams; ++stream) {
      if (stream % batch == 0) {  // spread over a frame's time
        const std::int64_t due = start.tv_nsec + number * load.frame_ns + load.frame_ns * stream / streams;
        const timespec until{start.tv_sec + due / 1'000'000'000, due % 1'000'000'000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
      }
      const auto at = static_cast<std::size_t>(stream);
      const Bytes bytes = frame(load, at, static_cast<std::size_t>(number));
      if (send(sockets[at], bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) fail("send");
    }
  }
}

int send(const std::vector<std::string>& words) {
  scenario::Random random(1);
  Load load;
  std::vector<scenario::Samples> recordings = scenario::recordings(words[0], random);
  if (recordings.empty()) fail("no recordings below " + words[0]);
  while (!recordings.empty() && load.recorded.size() < recorded_samples) {
    scenario::append(load.recorded, recordings.back());
    recordings.pop_back();
  }
  load.twilio = words[1] == "twilio";
  const std::size_t milliseconds = std::stoul(words[2]);
  load.samples = (load.twilio ? 8 : 16) * milliseconds;
  load.frame_ns = static_cast<std::int64_t>(milliseconds) * 1'000'000;
  const sockaddr_in there = ipv4(words[6], 0, static_cast<std::uint16_t>(std::stoul(words[7])));
  const std::vector<int> sockets =
      connect_all(std::stoul(words[3]), words[4], static_cast<std::uint32_t>(std::stoul(words[5])), there);
  ready(frame(load, 0, 0).size());
  send_for_ever(load, sockets);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 3 && words[0] == "receive")
    return receive(words[1], static_cast<std::uint16_t>(std::stoul(words[2])));
  if (words.size() == 9 && words[0] == "send") return send({words.begin() + 1, words.end()});
  std::fputs(
      "usage: test-frames receive ADDRESS PORT\n"
      "       test-frames send RECORDINGS pcm16|twilio FRAME_MS STREAMS FIRST_SOURCE SOURCES ADDRESS PORT\n",
      stderr);
  return 2;
}
