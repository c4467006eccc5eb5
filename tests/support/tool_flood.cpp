// SPDX-License-Identifier: Apache-2.0
// test-flood INTERFACE DESTINATION_MAC COUNT: sends COUNT UDP packets of speech-like noise, as fast as the device takes
// them, to an address that nobody answers for. Prints how many the device took.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "fd.hpp"

namespace {

constexpr std::size_t kPayload = 160;
constexpr std::size_t kBatch = 64;

#pragma pack(push, 1)
struct Packet {
  ether_header ethernet;
  iphdr ip;
  udphdr udp;
  std::array<std::uint8_t, kPayload> payload;
};
#pragma pack(pop)

std::uint16_t checksum(const iphdr& header) {
  std::array<std::uint16_t, sizeof header / 2> words;
  std::memcpy(words.data(), &header, sizeof header);
  std::uint32_t sum = 0;
  for (const std::uint16_t word : words) sum += word;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

Packet make_packet(const ether_addr& destination, std::minstd_rand& random) {
  Packet packet{};
  std::memcpy(packet.ethernet.ether_dhost, &destination, ETH_ALEN);
  packet.ethernet.ether_type = htons(ETHERTYPE_IP);
  packet.ip.version = 4;
  packet.ip.ihl = 5;
  packet.ip.ttl = 64;
  packet.ip.protocol = IPPROTO_UDP;
  packet.ip.tot_len = htons(sizeof(Packet) - sizeof(ether_header));
  packet.ip.saddr = inet_addr("192.0.2.1");  // TEST-NET-1, RFC 5737
  packet.ip.daddr = inet_addr("192.0.2.2");
  packet.ip.check = checksum(packet.ip);
  packet.udp.source = htons(5004);
  packet.udp.dest = htons(5004);
  packet.udp.len = htons(sizeof(udphdr) + kPayload);
  for (std::uint8_t& byte : packet.payload) byte = static_cast<std::uint8_t>(random() >> 8);
  return packet;
}

long send_all(int socket, const sockaddr_ll& to, const ether_addr& destination, long count) {
  std::minstd_rand random(1);
  std::vector<Packet> packets;
  for (std::size_t i = 0; i < kBatch; ++i) packets.push_back(make_packet(destination, random));
  std::array<iovec, kBatch> vectors{};
  std::array<mmsghdr, kBatch> messages{};
  for (std::size_t i = 0; i < kBatch; ++i) {
    vectors[i] = {&packets[i], sizeof(Packet)};
    messages[i].msg_hdr.msg_name = const_cast<sockaddr_ll*>(&to);
    messages[i].msg_hdr.msg_namelen = sizeof to;
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  long sent = 0;
  while (sent < count) {
    const auto wanted = static_cast<unsigned>(std::min<long>(kBatch, count - sent));
    const int taken = sendmmsg(socket, messages.data(), wanted, 0);
    if (taken > 0) sent += taken;
    if (taken < 0 && errno != ENOBUFS && errno != EINTR) break;
  }
  return sent;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(ETH_P_IP);
  to.sll_ifindex = static_cast<int>(if_nametoindex(argv[1]));
  to.sll_halen = ETH_ALEN;
  const ether_addr* destination = ether_aton(argv[2]);
  const audio_latency::Fd socket(::socket(AF_PACKET, SOCK_RAW, 0));
  if (to.sll_ifindex == 0 || destination == nullptr || !socket.valid()) return 2;
  const long count = std::strtol(argv[3], nullptr, 10);
  const long sent = send_all(socket.get(), to, *destination, count);
  std::printf("%ld\n", sent);
  return sent == count ? 0 : 1;
}
