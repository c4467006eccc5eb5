// SPDX-License-Identifier: Apache-2.0
// test-player --interface veth0 --capture FILE --sent FILE: sends the packets of an Ethernet capture out of an
// interface, at the pace at which they were captured. A line of FILE for each: when sending it had returned, ns since
// 1970. On a veth the other end's programs have run by then, unless the kernel put them off.
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

namespace {

struct Sendable {
  std::int64_t time_ns;
  std::string frame;
};

std::vector<Sendable> packets_of(const std::string& path) {
  char error[PCAP_ERRBUF_SIZE];
  pcap_t* const file = pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error);
  std::vector<Sendable> packets;
  if (file == nullptr) {
    std::fprintf(stderr, "test-player: %s\n", error);
    return packets;
  }
  pcap_pkthdr* header = nullptr;
  const unsigned char* data = nullptr;
  while (pcap_next_ex(file, &header, &data) == 1)
    packets.push_back({header->ts.tv_sec * 1'000'000'000LL + header->ts.tv_usec,  // tv_usec holds nanoseconds here
                       {reinterpret_cast<const char*>(data), header->caplen}});
  pcap_close(file);
  return packets;
}

int socket_on(const std::string& interface) {
  const int socket_fd = socket(AF_PACKET, SOCK_RAW, 0);
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  if (socket_fd < 0 || where.sll_ifindex == 0 ||
      bind(socket_fd, reinterpret_cast<sockaddr*>(&where), sizeof(where)) != 0) {
    std::fprintf(stderr, "test-player: %s: %s\n", interface.c_str(), std::strerror(errno));
    return -1;
  }
  return socket_fd;
}

std::int64_t now_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

void sleep_until(std::int64_t time_ns) {
  const timespec until{time_ns / 1'000'000'000, time_ns % 1'000'000'000};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Plays an Ethernet capture out of an interface."};
  std::string interface, capture, sent;
  double speed = 1;
  app.add_option("--interface", interface)->required();
  app.add_option("--capture", capture)->required();
  app.add_option("--sent", sent)->required();
  app.add_option("--speed", speed, "times as fast; 0: as fast as it goes");
  CLI11_PARSE(app, argc, argv);

  const std::vector<Sendable> packets = packets_of(capture);
  const int socket_fd = packets.empty() ? -1 : socket_on(interface);
  std::FILE* const times = std::fopen(sent.c_str(), "w");
  if (socket_fd < 0 || times == nullptr) return 1;
  const std::int64_t start = now_ns(CLOCK_MONOTONIC) + 50'000'000;
  std::int64_t latest = 0;
  for (const Sendable& packet : packets) {
    if (speed > 0) {
      const auto due =
          start + static_cast<std::int64_t>(static_cast<double>(packet.time_ns - packets.front().time_ns) / speed);
      if (due > now_ns(CLOCK_MONOTONIC) + 20'000) sleep_until(due);
      latest = std::max(latest, now_ns(CLOCK_MONOTONIC) - due);
    }
    while (send(socket_fd, packet.frame.data(), packet.frame.size(), 0) < 0) {
      if (errno != ENOBUFS && errno != EINTR) {
        std::fprintf(stderr, "test-player: send: %s\n", std::strerror(errno));
        return 1;
      }
    }
    std::fprintf(times, "%" PRId64 "\n", now_ns(CLOCK_REALTIME));
  }
  close(socket_fd);
  if (std::fclose(times) != 0) return 1;
  std::printf("{\"packets\": %zu, \"latest_seconds\": %.6f}\n", packets.size(), static_cast<double>(latest) / 1e9);
  return 0;
}
