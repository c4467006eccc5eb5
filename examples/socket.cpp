// SPDX-License-Identifier: Apache-2.0
#include "socket.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>

namespace audio_latency::examples {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Error failure(const std::string& what, const std::string& address) {
  return Error{what + " " + address + ": " + std::strerror(errno)};
}

Result<Addresses> resolve(const std::string& address, Transport transport, bool passive) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return Error{"'" + address + "' is not HOST:PORT"};
  }
  std::string host = address.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_socktype = transport == Transport::udp ? SOCK_DGRAM : SOCK_STREAM;
  hints.ai_flags = passive ? AI_PASSIVE : 0;
  addrinfo* list = nullptr;
  const int status = getaddrinfo(host.empty() ? nullptr : host.c_str(), address.c_str() + colon + 1, &hints, &list);
  if (status != 0) {
    return Error{"'" + address + "' is not an address: " + gai_strerror(status)};
  }
  return Addresses(list);
}

void enable(const Fd& socket, int level, int option) {
  const int on = 1;
  // What is asked for here makes things better, not possible: without time stamps our own clock serves.
  (void)setsockopt(socket.get(), level, option, &on, sizeof on);
}

void prepare(const Fd& socket, Transport transport) {
  enable(socket, SOL_SOCKET, SO_TIMESTAMPNS);
  if (transport == Transport::tcp) {
    enable(socket, IPPROTO_TCP, TCP_NODELAY);
  }
}

Fd open_socket(const addrinfo& address) {
  return Fd(socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol));
}

void pause_ms(int milliseconds) {
  const timespec rest{milliseconds / 1000, milliseconds % 1000 * 1'000'000L};
  nanosleep(&rest, nullptr);
}

Result<Fd> connect_once(const std::string& address, Transport transport) {
  auto addresses = resolve(address, transport, false);
  if (!addresses) {
    return addresses.error();
  }
  for (const addrinfo* each = addresses->get(); each != nullptr; each = each->ai_next) {
    Fd socket = open_socket(*each);
    if (socket.valid() && connect(socket.get(), each->ai_addr, each->ai_addrlen) == 0) {
      prepare(socket, transport);
      return socket;
    }
  }
  return failure("can't connect to", address);
}

std::int64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

}  // namespace

Result<Fd> listen_at(const std::string& address, Transport transport) {
  auto addresses = resolve(address, transport, true);
  if (!addresses) {
    return addresses.error();
  }
  const addrinfo& first = **addresses;
  Fd socket = open_socket(first);
  if (!socket.valid()) {
    return failure("can't open a socket for", address);
  }
  prepare(socket, transport);
  if (transport == Transport::tcp) {
    enable(socket, SOL_SOCKET, SO_REUSEADDR);
  }
  if (bind(socket.get(), first.ai_addr, first.ai_addrlen) != 0 ||
      (transport == Transport::tcp && listen(socket.get(), 1) != 0)) {
    return failure("can't listen at", address);
  }
  return socket;
}

Result<Fd> connect_to(const std::string& address, Transport transport, int patience_ms) {
  const std::int64_t deadline = steady_clock_ns() + patience_ms * 1'000'000LL;
  while (true) {
    auto socket = connect_once(address, transport);
    if (socket || steady_clock_ns() >= deadline) {
      return socket;
    }
    pause_ms(50);
  }
}

Result<Fd> accept_from(const Fd& listener) {
  Fd socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket.valid()) {
    return failure("can't accept at", local_address(listener));
  }
  prepare(socket, Transport::tcp);
  return socket;
}

std::string local_address(const Fd& socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (getsockname(socket.get(), generic, &length) != 0 ||
      getnameinfo(generic, length, host.data(), host.size(), port.data(), port.size(),
                  NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return "?";
  }
  const std::string text = host.data();
  return (text.find(':') == std::string::npos ? text : "[" + text + "]") + ":" + port.data();
}

std::int64_t wall_clock_ns() {
  return clock_ns(CLOCK_REALTIME);
}

std::int64_t steady_clock_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}

Received receive(const Fd& socket, std::span<std::uint8_t> buffer) {
  iovec vector{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, 256> control{};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t length = recvmsg(socket.get(), &message, MSG_DONTWAIT);
  if (length < 0) {
    // A datagram that nobody took comes back as ECONNREFUSED: the listener may yet come.
    return {.ended = errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED};
  }
  Received received{.length = static_cast<std::size_t>(length), .arrived_ns = wall_clock_ns()};
  int type = 0;
  socklen_t size = sizeof type;
  getsockopt(socket.get(), SOL_SOCKET, SO_TYPE, &type, &size);
  received.ended = length == 0 && type == SOCK_STREAM;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level == SOL_SOCKET && each->cmsg_type == SCM_TIMESTAMPNS) {
      timespec stamp{};
      std::memcpy(&stamp, CMSG_DATA(each), sizeof stamp);
      received.arrived_ns = stamp.tv_sec * 1'000'000'000LL + stamp.tv_nsec;
    }
  }
  return received;
}

Status send_all(const Fd& socket, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR && errno != ECONNREFUSED) {
      return Error{std::string("can't send: ") + std::strerror(errno)};
    }
    bytes = bytes.subspan(sent > 0 ? static_cast<std::size_t>(sent) : 0);
  }
  return success();
}

}  // namespace audio_latency::examples
