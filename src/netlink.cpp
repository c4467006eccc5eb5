// SPDX-License-Identifier: Apache-2.0
#include "netlink.hpp"

#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

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
  for (const auto* message = reinterpret_cast<const nlmsghdr*>(data); !outcome.done && NLMSG_OK(message, left);
       message = NLMSG_NEXT(message, left)) {
    if (message->nlmsg_seq != sequence) continue;
    outcome.interrupted |= (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    outcome.done = message->nlmsg_type == NLMSG_DONE || (message->nlmsg_flags & NLM_F_MULTI) == 0;
    if (message->nlmsg_type == NLMSG_DONE) break;
    if (message->nlmsg_type == NLMSG_ERROR) {
      errno = -static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error;
      if (errno != 0) return failure("the kernel refused the request");
      break;
    }
    visit(*message);
  }
  return outcome;
}

}  // namespace

void NetlinkRequest::append(const void* data, std::size_t size) {
  const auto* begin = static_cast<const std::uint8_t*>(data);
  bytes_.insert(bytes_.end(), begin, begin + size);
  bytes_.resize(NLMSG_ALIGN(bytes_.size()));
}

void NetlinkRequest::attribute(std::uint16_t type, const void* data, std::size_t size) {
  const nlattr header{static_cast<std::uint16_t>(NLA_HDRLEN + size), type};
  append(&header, sizeof header);
  append(data, size);
}

std::size_t NetlinkRequest::begin_nested(std::uint16_t type) {
  const std::size_t begin = bytes_.size();
  attribute(static_cast<std::uint16_t>(type | NLA_F_NESTED), nullptr, 0);
  return begin;
}

void NetlinkRequest::end_nested(std::size_t begin) {
  const auto length = static_cast<std::uint16_t>(bytes_.size() - begin);
  std::memcpy(bytes_.data() + begin, &length, sizeof length);  // nla_len is the first member
}

std::string_view NetlinkRequest::finish(std::uint32_t sequence) {
  auto* header = reinterpret_cast<nlmsghdr*>(bytes_.data());
  header->nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
  header->nlmsg_seq = sequence;
  return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
}

NetlinkAttributes::NetlinkAttributes(const nlmsghdr& message, std::size_t fixed_part) {
  const std::size_t skip = NLMSG_HDRLEN + NLMSG_ALIGN(fixed_part);
  if (message.nlmsg_len >= skip) bytes_ = {reinterpret_cast<const char*>(&message) + skip, message.nlmsg_len - skip};
}

std::optional<std::string_view> NetlinkAttributes::bytes(std::uint16_t type) const {
  for (std::size_t at = 0; at + NLA_HDRLEN <= bytes_.size();) {
    nlattr header{};
    std::memcpy(&header, bytes_.data() + at, sizeof header);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > bytes_.size() - at) return std::nullopt;
    if ((header.nla_type & NLA_TYPE_MASK) == type) return bytes_.substr(at + NLA_HDRLEN, header.nla_len - NLA_HDRLEN);
    at += NLA_ALIGN(header.nla_len);
  }
  return std::nullopt;
}

std::string NetlinkAttributes::text(std::uint16_t type) const {
  const auto found = bytes(type);
  return found ? std::string(found->substr(0, found->find('\0'))) : std::string{};
}

NetlinkAttributes NetlinkAttributes::nested(std::uint16_t type) const {
  return NetlinkAttributes(bytes(type).value_or(std::string_view{}));
}

Result<Netlink> Netlink::open(int protocol, std::uint32_t groups) {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | (groups != 0 ? SOCK_NONBLOCK : 0), protocol));
  if (!socket.valid()) return failure("cannot open a socket");
  // Best effort: without it, a lost notification means one dump more.
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  // Without strict checking the kernel ignores the filters of a dump (since 4.20; older ones answer with an error).
  const int on = 1;
  setsockopt(socket.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  const timeval patience{5, 0};
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return failure("bind");
  return Netlink(std::move(socket));
}

Status Netlink::ask(NetlinkRequest request, const NetlinkVisitor& visit) {
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    const std::string_view bytes = request.finish(++sequence_);
    if (send(socket_.get(), bytes.data(), bytes.size(), 0) < 0) return failure("send");
    const auto interrupted = read_answer(visit);
    if (!interrupted) return interrupted.error();
    if (!*interrupted) break;
  }
  return success();  // what still changes comes as a notification, or with the next reconciliation
}

// True: the table changed while it was read.
Result<bool> Netlink::read_answer(const NetlinkVisitor& visit) {
  buffer_.resize(kBufferBytes);
  bool interrupted = false;
  for (;;) {
    const ssize_t size = recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return failure("receive");
    const auto outcome = walk(buffer_.data(), static_cast<std::size_t>(size), sequence_, visit);
    if (!outcome) return outcome.error();
    interrupted |= outcome->interrupted;
    if (outcome->done) return interrupted;
  }
}

Result<bool> Netlink::notifications(const NetlinkVisitor& visit) {
  buffer_.resize(kBufferBytes);
  bool complete = true;
  for (;;) {
    const ssize_t size = recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return complete;
    if (size < 0 && errno == ENOBUFS) {
      complete = false;
      continue;
    }
    if (size < 0) return failure("receive");
    auto left = static_cast<unsigned>(size);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer_.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      visit(*message);
    }
  }
}

}  // namespace audio_latency
