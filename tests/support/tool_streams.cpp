// SPDX-License-Identifier: Apache-2.0
// test-streams: many RTP G.711 streams at once, for benchmarks.
//   receive ADDRESS: binds the receivers' ports and throws away in the kernel whatever arrives, until killed
//   send SECONDS FIRST_SOURCE DESTINATION: each of SENDERS addresses from FIRST_SOURCE on sends STREAMS / SENDERS
//   streams
#include <arpa/inet.h>
#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "support/frames.hpp"
#include "support/scenario_audio.hpp"

namespace {

using namespace audio_latency;

constexpr unsigned senders = 10;
constexpr unsigned streams_each = 100;
constexpr std::uint16_t first_port = 20'000;
constexpr std::size_t packet_bytes = 160;  // 20 ms
constexpr double content_seconds = 13;     // unlike a loop that short of MAX_LATENCY would hear twice
constexpr std::int64_t period_ns = 20'000'000;

int failed(const char* what) {
  std::fprintf(stderr, "test-streams: %s: %s\n", what, std::strerror(errno));
  return 1;
}

sockaddr_in ipv4(std::uint32_t address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(address);
  result.sin_port = htons(port);
  return result;
}

std::uint16_t port_of(unsigned stream) {
  return static_cast<std::uint16_t>(first_port + 2 * stream);
}

int receive(std::uint32_t address) {
  sock_filter nothing[] = {{BPF_RET | BPF_K, 0, 0, 0}};
  const sock_fprog program{1, nothing};
  for (unsigned stream = 0; stream < streams_each; ++stream) {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    const sockaddr_in here = ipv4(address, port_of(stream));
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0 ||
        bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof(here)) != 0)
      return failed("receiver");
  }
  std::puts("ready");
  std::fflush(stdout);
  for (;;) pause();
}

// One sending socket: its streams' packets of one period go out by one system call.
class Sender {
 public:
  Sender(std::uint32_t source, std::uint32_t destination, scenario::Random& random) {
    fd_ = socket(AF_INET, SOCK_DGRAM, 0);
    const sockaddr_in here = ipv4(source, 30'000);
    if (fd_ < 0 || bind(fd_, reinterpret_cast<const sockaddr*>(&here), sizeof(here)) != 0) std::exit(failed("sender"));
    for (unsigned i = 0; i < streams_each; ++i) {
      audio_.push_back(scenario::mu_law(scenario::speech(random, content_seconds, 8000)));
      to_.push_back(ipv4(destination, port_of(i)));
      ssrc_.push_back(random.word());
    }
    packets_.resize(streams_each);
    vectors_.resize(streams_each);
    messages_.resize(streams_each);
  }

  void send(std::uint32_t number) {
    for (unsigned i = 0; i < streams_each; ++i) {
      const std::size_t at = number * packet_bytes % (audio_[i].size() - packet_bytes + 1);
      packets_[i] =
          test::rtp(0, static_cast<std::uint16_t>(number), number * 160, ssrc_[i],
                    {reinterpret_cast<const char*>(audio_[i].data()) + at / packet_bytes * packet_bytes, packet_bytes});
      vectors_[i] = {packets_[i].data(), packets_[i].size()};
      messages_[i].msg_hdr = {};
      messages_[i].msg_hdr.msg_name = &to_[i];
      messages_[i].msg_hdr.msg_namelen = sizeof(to_[i]);
      messages_[i].msg_hdr.msg_iov = &vectors_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
    for (unsigned sent = 0; sent < streams_each;) {
      const int done = sendmmsg(fd_, messages_.data() + sent, streams_each - sent, 0);
      if (done < 0 && errno != ENOBUFS && errno != EINTR) std::exit(failed("sendmmsg"));
      sent += static_cast<unsigned>(done < 0 ? 0 : done);
    }
  }

 private:
  int fd_ = -1;
  std::vector<scenario::Bytes> audio_;
  std::vector<sockaddr_in> to_;
  std::vector<std::uint32_t> ssrc_;
  std::vector<std::string> packets_;
  std::vector<iovec> vectors_;
  std::vector<mmsghdr> messages_;
};

int send(double seconds, std::uint32_t source, std::uint32_t destination) {
  scenario::Random random(1);
  std::vector<Sender> all;
  for (unsigned i = 0; i < senders; ++i) all.emplace_back(source + i, destination, random);
  std::puts("ready");
  std::fflush(stdout);
  timespec due{};
  clock_gettime(CLOCK_MONOTONIC, &due);
  const auto periods = static_cast<std::uint32_t>(seconds * 1e9 / period_ns);
  for (std::uint32_t number = 0; number < periods; ++number) {
    for (Sender& sender : all) {
      due.tv_nsec += period_ns / senders;
      if (due.tv_nsec >= 1'000'000'000) {
        due.tv_nsec -= 1'000'000'000;
        ++due.tv_sec;
      }
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, nullptr);
      sender.send(number);
    }
  }
  return 0;
}

std::uint32_t address(const char* text) {
  in_addr parsed{};
  if (inet_pton(AF_INET, text, &parsed) != 1) std::exit(failed(text));
  return ntohl(parsed.s_addr);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "receive" && argc == 3) return receive(address(argv[2]));
  if (what == "send" && argc == 5) return send(std::strtod(argv[2], nullptr), address(argv[3]), address(argv[4]));
  std::fputs("usage: test-streams receive ADDRESS | send SECONDS FIRST_SOURCE DESTINATION\n", stderr);
  return 2;
}
