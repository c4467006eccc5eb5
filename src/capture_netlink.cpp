// SPDX-License-Identifier: Apache-2.0
#include "capture_netlink.hpp"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

namespace audio_latency {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;  // the kernel packs dumps into at most 32 KiB a datagram
constexpr int kReceiveBufferBytes = 4 << 20;     // notifications of thousands of links made at once
constexpr int kDumpAttempts = 5;                 // a table that changes while it is dumped is dumped again

Error failure(const char* what) {
  return Error{std::string("netlink: ") + what + ": " + std::strerror(errno)};
}

struct Outcome {
  bool done = false;
  bool interrupted = false;  // the table changed while it was dumped
};

// Walks one datagram. Answers to other requests than `sequence` are passed over.
Result<Outcome> walk(const char* data, std::size_t size, std::uint32_t sequence, const NetlinkVisitor& visit) {
  Outcome outcome;
  auto left = static_cast<unsigned>(size);
  for (const auto* message = reinterpret_cast<const nlmsghdr*>(data); NLMSG_OK(message, left);
       message = NLMSG_NEXT(message, left)) {
    if (message->nlmsg_seq != sequence) continue;
    outcome.interrupted |= (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    outcome.done = message->nlmsg_type == NLMSG_DONE;
    if (outcome.done) break;
    if (message->nlmsg_type == NLMSG_ERROR) {
      errno = -static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error;
      return failure("the kernel refused the request");
    }
    visit(*message);
  }
  return outcome;
}

const rtattr* search(const rtattr* attribute, int left, std::uint16_t type) {
  for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
    if ((attribute->rta_type & NLA_TYPE_MASK) == type) return attribute;
  }
  return nullptr;
}

}  // namespace

Result<Netlink> Netlink::open(std::uint32_t groups) {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | (groups != 0 ? SOCK_NONBLOCK : 0), NETLINK_ROUTE));
  if (!socket.valid()) return failure("cannot open a socket");
  // Best effort: without it, a lost notification means one dump more.
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  const timeval patience{5, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return failure("bind");
  return Netlink(std::move(socket));
}

Status Netlink::send_request(std::uint16_t type, std::string_view header) {
  std::array<char, 256> request{};
  auto* message = reinterpret_cast<nlmsghdr*>(request.data());
  message->nlmsg_len = static_cast<std::uint32_t>(NLMSG_LENGTH(header.size()));
  message->nlmsg_type = type;
  message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message->nlmsg_seq = ++sequence_;
  std::memcpy(NLMSG_DATA(message), header.data(), header.size());
  if (send(socket_.get(), request.data(), message->nlmsg_len, 0) < 0) return failure("send");
  return success();
}

Status Netlink::dump_bytes(std::uint16_t type, std::string_view header, const NetlinkVisitor& visit) {
  std::vector<char> buffer(kBufferBytes);
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    if (auto sent = send_request(type, header); !sent) return sent;
    bool interrupted = false;
    for (;;) {
      const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) return failure("receive");
      const auto outcome = walk(buffer.data(), static_cast<std::size_t>(size), sequence_, visit);
      if (!outcome) return outcome.error();
      interrupted |= outcome.value().interrupted;
      if (outcome.value().done) break;
    }
    if (!interrupted) return success();
  }
  return success();  // changes meanwhile come as notifications, or with the next reconciliation
}

Result<bool> Netlink::notifications(const NetlinkVisitor& visit) {
  std::vector<char> buffer(kBufferBytes);
  bool complete = true;
  for (;;) {
    const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return complete;
    if (size < 0 && errno == ENOBUFS) {
      complete = false;
      continue;
    }
    if (size < 0) return failure("receive");
    auto left = static_cast<unsigned>(size);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      visit(*message);
    }
  }
}

std::string_view NetlinkAttribute::text() const {
  const auto* start = static_cast<const char*>(RTA_DATA(attribute));
  return {start, strnlen(start, RTA_PAYLOAD(attribute))};
}

std::uint32_t NetlinkAttribute::number() const {
  std::uint32_t value = 0;
  if (RTA_PAYLOAD(attribute) >= sizeof value) std::memcpy(&value, RTA_DATA(attribute), sizeof value);
  return value;
}

NetlinkAttribute NetlinkAttribute::nested(std::uint16_t type) const {
  return {search(static_cast<const rtattr*>(RTA_DATA(attribute)), static_cast<int>(RTA_PAYLOAD(attribute)), type)};
}

NetlinkAttribute find_attribute(const nlmsghdr& message, std::size_t header_size, std::uint16_t type) {
  const std::size_t fixed = NLMSG_LENGTH(0) + NLMSG_ALIGN(header_size);
  if (message.nlmsg_len < fixed) return {};
  const auto* first = reinterpret_cast<const rtattr*>(reinterpret_cast<const char*>(&message) + fixed);
  return {search(first, static_cast<int>(message.nlmsg_len - fixed), type)};
}

}  // namespace audio_latency
