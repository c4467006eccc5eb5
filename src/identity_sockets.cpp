// SPDX-License-Identifier: Apache-2.0
#include "identity_sockets.hpp"

#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "fd.hpp"
#include "netlink.hpp"

namespace audio_latency {
namespace {

// Connections that no process holds any more (TIME_WAIT, CLOSE) and listeners carry no audio. UDP sockets are in state
// CLOSE where they are not connected.
constexpr std::uint32_t kTcpStates =
    ((1U << TCP_CLOSING) * 2 - 1) & ~(1U << TCP_TIME_WAIT) & ~(1U << TCP_CLOSE) & ~(1U << TCP_LISTEN) & ~1U;
constexpr std::uint32_t kAllStates = ~0U;

IpAddress ip_of(std::uint8_t family, const __be32* words) {
  IpAddress ip;
  if (family == AF_INET6) {
    std::memcpy(ip.bytes.data(), words, 16);
    return ip;
  }
  if (words[0] == 0) return ip;  // not bound to one: the same key in both families
  return IpAddress::from_ipv4(ntohl(words[0]));
}

void take_socket(const nlmsghdr& message, std::uint8_t protocol, std::vector<OpenSocket>& sockets) {
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) return;
  const auto* diag = static_cast<const inet_diag_msg*>(NLMSG_DATA(&message));
  if (diag->idiag_inode == 0) return;
  OpenSocket socket;
  socket.inode = diag->idiag_inode;
  socket.key.local = ip_of(diag->idiag_family, diag->id.idiag_src);
  socket.key.remote = ip_of(diag->idiag_family, diag->id.idiag_dst);
  socket.key.local_port = ntohs(diag->id.idiag_sport);
  socket.key.remote_port = ntohs(diag->id.idiag_dport);
  socket.key.protocol = protocol;
  sockets.push_back(socket);
}

Status list_sockets(Netlink& diag, std::uint8_t family, std::uint8_t protocol, std::vector<OpenSocket>& sockets) {
  inet_diag_req_v2 body{};
  body.sdiag_family = family;
  body.sdiag_protocol = protocol;
  body.idiag_states = protocol == IPPROTO_TCP ? kTcpStates : kAllStates;
  return diag.ask(NetlinkRequest(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, body),
                  [&sockets, protocol](const nlmsghdr& message) { take_socket(message, protocol, sockets); });
}

std::vector<IpAddress> own_addresses() {
  std::vector<IpAddress> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (entry->ifa_addr->sa_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
      addresses.push_back(IpAddress::from_ipv4(ntohl(v4->sin_addr.s_addr)));
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      IpAddress ip;
      std::memcpy(ip.bytes.data(), &reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr, 16);
      addresses.push_back(ip);
    }
  }
  return addresses;
}

}  // namespace

Result<NetworkPicture> picture_of_this_network() {
  auto diag = Netlink::open(NETLINK_SOCK_DIAG);
  if (!diag) return diag.error();
  NetworkPicture picture;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const int protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
      const auto listed =
          list_sockets(*diag, static_cast<std::uint8_t>(family), static_cast<std::uint8_t>(protocol), picture.sockets);
      // A kernel without IPv6, or without the module for one protocol, still names the others.
      if (!listed && family == AF_INET && protocol == IPPROTO_TCP) return listed.error();
    }
  }
  picture.addresses = own_addresses();
  return picture;
}

Result<NetworkPicture> picture_of_network(const std::string& namespace_file) {
  const Fd own(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  const Fd other(open(namespace_file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!own.valid() || !other.valid()) return Error{namespace_file + " can't be opened: " + std::strerror(errno)};
  if (setns(other.get(), CLONE_NEWNET) != 0) {
    return Error{"other network namespaces can't be entered (CAP_SYS_ADMIN): " + std::string(std::strerror(errno))};
  }
  auto picture = picture_of_this_network();
  if (setns(own.get(), CLONE_NEWNET) != 0) return Error{"the way back from a network namespace is barred"};
  return picture;
}

}  // namespace audio_latency
