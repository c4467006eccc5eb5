// SPDX-License-Identifier: Apache-2.0
#include "support/veth_pair.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace audio_latency::test {
namespace {

// struct virtio_net_hdr of <linux/virtio_net.h>, which is no C++.
struct OffloadHeader {
  std::uint8_t flags;
  std::uint8_t gso_type;
  std::uint16_t linear_bytes;
  std::uint16_t gso_size;
  std::uint16_t checksum_start;
  std::uint16_t checksum_offset;
};
constexpr std::uint8_t kNeedsChecksum = 1;
constexpr std::uint8_t kGsoUdp = 5;  // VIRTIO_NET_HDR_GSO_UDP_L4
constexpr std::uint16_t kUdpHeaderAt = 34;

void must(bool done, const std::string& what) {
  if (!done) throw std::runtime_error(what + ": " + std::strerror(errno));
}

void shell(const std::string& line) {
  must(std::system(line.c_str()) == 0, line);  // NOLINT(cert-env33-c): a test with fixed text
}

Fd new_namespace() {
  must(unshare(CLONE_NEWNET) == 0, "unshare");
  Fd space(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  must(space.valid(), "open network namespace");
  return space;
}

void enter(const Fd& space) {
  must(setns(space.get(), CLONE_NEWNET) == 0, "setns");
}

sockaddr_in near_address(std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(0x0a090002);
  return to;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

}  // namespace

VethPair::VethPair(unsigned mtu) : far_(new_namespace()) {
  shell("ip link set lo up");
  near_ = new_namespace();
  const std::string size = " mtu " + std::to_string(mtu);
  shell("ip link set lo up && ip link add near" + size + " type veth peer name far" + size);
  // A number would be taken for a process.
  shell("ip link set far netns /proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(far_.get()));
  shell("ip address add 10.9.0.2/24 dev near && ip link set near up");
  near_index_ = if_nametoindex("near");
  enter(far_);
  shell("ip address add 10.9.0.1/24 dev far && ip link set far up");
  far_index_ = static_cast<int>(if_nametoindex("far"));
  enter(near_);
  packets_ = far_socket(AF_PACKET, SOCK_RAW, 0);
  const int on = 1;
  must(setsockopt(packets_.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0, "PACKET_VNET_HDR");
}

Fd VethPair::far_socket(int family, int type, int protocol) const {
  enter(far_);
  Fd made(::socket(family, type | SOCK_CLOEXEC, protocol));
  enter(near_);
  must(made.valid(), "socket");
  return made;
}

Fd VethPair::far_udp(std::uint16_t port) const {
  Fd made = far_socket(AF_INET, SOCK_DGRAM, 0);
  const sockaddr_in to = near_address(port);
  must(connect(made.get(), generic(to), sizeof to) == 0, "connect");
  return made;
}

void VethPair::send_frame(const Bytes& frame, const FrameShape& shape) const {
  OffloadHeader header{};
  header.linear_bytes = static_cast<std::uint16_t>(std::min<std::size_t>(shape.linear, frame.size()));
  if (shape.segment != 0) {
    header.flags = kNeedsChecksum;
    header.gso_type = kGsoUdp;
    header.gso_size = shape.segment;
    header.checksum_start = kUdpHeaderAt;
    header.checksum_offset = 6;
  }
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_IP);
  to.sll_ifindex = far_index_;
  to.sll_halen = ETH_ALEN;
  std::array<iovec, 2> parts{{{&header, sizeof header}, {const_cast<std::uint8_t*>(frame.data()), frame.size()}}};
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const auto sent = sendmsg(packets_.get(), &message, 0);
  must(sent == static_cast<ssize_t>(sizeof header + frame.size()), "send a frame");
}

namespace {

// Sends and receives in turn, as much as either side takes.
void exchange(const Fd& from, const Fd& to, const Bytes& bytes) {
  std::array<char, 65536> received{};
  std::size_t sent = 0;
  std::size_t arrived = 0;
  while (arrived < bytes.size()) {
    std::array<pollfd, 2> ready{
        {{from.get(), static_cast<short>(sent < bytes.size() ? POLLOUT : 0), 0}, {to.get(), POLLIN, 0}}};
    must(poll(ready.data(), ready.size(), 20'000) > 0, "a stream stands still");
    if ((ready[0].revents & POLLOUT) != 0) {
      const auto some = send(from.get(), bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      must(some > 0 || errno == EAGAIN, "send");
      if (some > 0) sent += static_cast<std::size_t>(some);
    }
    if ((ready[1].revents & POLLIN) != 0) {
      const auto some = recv(to.get(), received.data(), received.size(), MSG_DONTWAIT);
      must(some > 0, "receive");
      arrived += static_cast<std::size_t>(some);
    }
  }
}

}  // namespace

void send_stream(const VethPair& pair, const Bytes& bytes) {
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in here = near_address(0);
  must(bind(listener.get(), generic(here), sizeof here) == 0 && listen(listener.get(), 1) == 0, "listen");
  socklen_t length = sizeof here;
  must(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&here), &length) == 0, "getsockname");
  const Fd from = pair.far_socket(AF_INET, SOCK_STREAM, 0);
  must(connect(from.get(), generic(here), sizeof here) == 0, "connect");
  const Fd to(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  must(to.valid(), "accept");
  exchange(from, to, bytes);
}

}  // namespace audio_latency::test
