// SPDX-License-Identifier: Apache-2.0
#include "identity_netlink.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace audio_latency {
namespace {

std::string reason(int error) {
  return std::strerror(error);
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

const std::vector<std::uint8_t>& NetlinkRequest::finish() {
  const auto length = static_cast<std::uint32_t>(bytes_.size());
  std::memcpy(bytes_.data(), &length, sizeof length);  // nlmsg_len is the first member
  return bytes_;
}

NetlinkAttributes NetlinkAttributes::behind(const nlmsghdr* message, std::size_t fixed_part) {
  const std::size_t skip = NLMSG_HDRLEN + NLMSG_ALIGN(fixed_part);
  const auto* begin = reinterpret_cast<const std::uint8_t*>(message);
  if (message->nlmsg_len < skip) return {begin, 0};
  return {begin + skip, message->nlmsg_len - skip};
}

std::optional<std::string_view> NetlinkAttributes::bytes(std::uint16_t type) const {
  for (std::size_t at = 0; at + NLA_HDRLEN <= size_;) {
    nlattr header{};
    std::memcpy(&header, data_ + at, sizeof header);
    if (header.nla_len < NLA_HDRLEN || header.nla_len > size_ - at) return std::nullopt;
    if ((header.nla_type & NLA_TYPE_MASK) == type) {
      return std::string_view(reinterpret_cast<const char*>(data_ + at + NLA_HDRLEN), header.nla_len - NLA_HDRLEN);
    }
    at += NLA_ALIGN(header.nla_len);
  }
  return std::nullopt;
}

std::string NetlinkAttributes::text(std::uint16_t type) const {
  const auto found = bytes(type);
  return found ? std::string(found->substr(0, found->find('\0'))) : std::string{};
}

NetlinkAttributes NetlinkAttributes::nested(std::uint16_t type) const {
  const auto found = bytes(type);
  return found ? NetlinkAttributes(found->data(), found->size()) : NetlinkAttributes(data_, 0);
}

Result<NetlinkSocket> NetlinkSocket::open(int protocol, std::uint32_t groups) {
  NetlinkSocket socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (socket.fd_ < 0) return Error{"a netlink socket can't be opened: " + reason(errno)};
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (bind(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
    return Error{"a netlink socket can't be bound: " + reason(errno)};
  }
  // Without strict checking the kernel ignores the filters of a dump (since 4.20; older ones answer with an error).
  const int on = 1;
  setsockopt(socket.fd_, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  const timeval timeout{2, 0};
  setsockopt(socket.fd_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  return socket;
}

NetlinkSocket::NetlinkSocket(NetlinkSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), buffer_(std::move(other.buffer_)) {}

NetlinkSocket& NetlinkSocket::operator=(NetlinkSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

NetlinkSocket::~NetlinkSocket() {
  if (fd_ >= 0) close(fd_);
}

Status NetlinkSocket::dump(NetlinkRequest& request, const OnMessage& on_message) {
  const auto& bytes = request.finish();
  if (send(fd_, bytes.data(), bytes.size(), 0) < 0) return Error{"a netlink request can't be sent: " + reason(errno)};
  while (true) {
    const ssize_t received = recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return Error{"a netlink request got no answer: " + reason(errno)};
    auto left = static_cast<std::uint32_t>(received);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer_.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == NLMSG_DONE) return success();
      if (message->nlmsg_type == NLMSG_ERROR) {
        const int error = -static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error;
        if (error == 0) return success();
        return Error{"a netlink request was refused: " + reason(error)};
      }
      on_message(message);
      if ((message->nlmsg_flags & NLM_F_MULTI) == 0) return success();
    }
  }
}

bool NetlinkSocket::drain(const OnMessage& on_message) {
  while (true) {
    const ssize_t received = recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (received < 0) return errno == EAGAIN || errno == EINTR;
    auto left = static_cast<std::uint32_t>(received);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer_.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      on_message(message);
    }
  }
}

}  // namespace audio_latency
