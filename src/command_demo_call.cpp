// SPDX-License-Identifier: Apache-2.0
#include "command_demo_call.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>

#include "audio_latency/wire/scan.h"
#include "wall_clock.hpp"

namespace audio_latency {
namespace {

constexpr std::int64_t kPacketNs = 20'000'000;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Error failure(const char* what) {
  return Error{std::string("demo: ") + what + " on 127.0.0.1: " + std::strerror(errno)};
}

SocketAddress address_of(const Fd& socket) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return {IpAddress::from_ipv4(INADDR_LOOPBACK), ntohs(address.sin_port)};
}

// A UDP socket that stamps what arrives: bound to a free port, or connected.
Result<Fd> open_socket(std::optional<std::uint16_t> peer) {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  const sockaddr_in address = loopback(peer.value_or(0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (!socket.valid() || setsockopt(socket.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) {
    return failure("can't open a UDP socket");
  }
  if ((peer ? connect : bind)(socket.get(), generic, sizeof address) != 0) {
    return failure(peer ? "can't connect a UDP socket" : "can't bind a UDP port");
  }
  return socket;
}

struct Datagram {
  std::size_t length = 0;       // 0: nothing there
  std::int64_t arrived_ns = 0;  // CLOCK_REALTIME, the kernel's
};

Datagram receive(const Fd& socket) {
  std::array<std::uint8_t, 4096> bytes{};
  iovec vector{bytes.data(), bytes.size()};
  alignas(cmsghdr) std::array<char, 128> control{};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t length = recvmsg(socket.get(), &message, 0);
  const cmsghdr* note = length > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (note == nullptr || note->cmsg_type != SCM_TIMESTAMPNS) {
    return {};
  }
  timespec stamp{};
  std::memcpy(&stamp, CMSG_DATA(note), sizeof stamp);
  return {static_cast<std::size_t>(length), stamp.tv_sec * 1'000'000'000LL + stamp.tv_nsec};
}

}  // namespace

DemoCall::DemoCall(const Sound& sound, std::int64_t delay_ns) : packet_(sound.rate / 50 * 2), delay_ns_(delay_ns) {
  bytes_.reserve(sound.samples.size() * 2);
  for (const std::int16_t sample : sound.samples) {
    bytes_.push_back(static_cast<std::uint8_t>(sample));
    bytes_.push_back(static_cast<std::uint8_t>(sample >> 8));
  }
  bytes_.resize(bytes_.size() / packet_ * packet_);
}

DemoCall::~DemoCall() {
  stop();
}

Result<std::unique_ptr<DemoCall>> DemoCall::create(const Sound& sound, std::int64_t delay_ns) {
  std::unique_ptr<DemoCall> call(new DemoCall(sound, delay_ns));
  if (const Status opened = call->open(); !opened) {
    return opened.error();
  }
  return call;
}

Status DemoCall::open() {
  auto relay = open_socket(std::nullopt);
  auto sink = open_socket(std::nullopt);
  if (!relay || !sink) {
    return relay ? sink.error() : relay.error();
  }
  relay_address_ = address_of(*relay);
  sink_address_ = address_of(*sink);
  auto source = open_socket(relay_address_.port);
  auto onward = open_socket(sink_address_.port);
  if (!source || !onward) {
    return source ? onward.error() : source.error();
  }
  source_address_ = address_of(*source);
  source_socket_ = std::move(*source);
  relay_socket_ = std::move(*relay);
  onward_socket_ = std::move(*onward);
  sink_socket_ = std::move(*sink);
  return success();
}

void DemoCall::start() {
  player_ = std::thread(&DemoCall::play, this);
  relayer_ = std::thread(&DemoCall::relay_sound, this);
}

void DemoCall::stop() {
  stopping_ = true;
  for (std::thread* thread : {&player_, &relayer_}) {
    if (thread->joinable()) {
      thread->join();
    }
  }
}

void DemoCall::play() {
  auto due = std::chrono::steady_clock::now();
  for (std::size_t at = 0; at < bytes_.size() && !stopping_; at += packet_) {
    due += std::chrono::nanoseconds(kPacketNs);
    std::this_thread::sleep_until(due);
    (void)send(source_socket_.get(), bytes_.data() + at, packet_, MSG_NOSIGNAL);
  }
}

void DemoCall::relay_sound() {
  while (!stopping_ && !done_) {
    std::array<pollfd, 2> ready{{{relay_socket_.get(), POLLIN, 0}, {sink_socket_.get(), POLLIN, 0}}};
    poll(ready.data(), ready.size(), patience_ms());
    take_arrivals();
    send_due();
    done_ = !at_sink_.empty() && at_sink_.back().end >= bytes_.size();
  }
}

int DemoCall::patience_ms() const {
  const std::int64_t wait_ns =
      held_.empty() ? kPacketNs : held_.front().due_ns - static_cast<std::int64_t>(monotonic_ns());
  return static_cast<int>(std::clamp<std::int64_t>((wait_ns + 999'999) / 1'000'000, 0, 20));
}

void DemoCall::take_arrivals() {
  for (Datagram got = receive(sink_socket_); got.length > 0; got = receive(sink_socket_)) {
    at_sink_.push_back({(at_sink_.empty() ? 0 : at_sink_.back().end) + got.length, got.arrived_ns});
  }
  for (Datagram got = receive(relay_socket_); got.length > 0; got = receive(relay_socket_)) {
    at_relay_.push_back({(at_relay_.empty() ? 0 : at_relay_.back().end) + got.length, got.arrived_ns});
    const std::size_t arrived = at_relay_.back().end;
    const std::size_t next = cut_ + (cut_ == 0 ? packet_ / 2 : packet_);
    for (std::size_t end = next; end <= arrived || (arrived == bytes_.size() && cut_ < arrived); end = cut_ + packet_) {
      const std::size_t last = std::min(end, bytes_.size());
      held_.push_back({cut_, last, static_cast<std::int64_t>(monotonic_ns()) + delay_ns_});
      cut_ = last;
    }
  }
}

void DemoCall::send_due() {
  while (!held_.empty() && held_.front().due_ns <= static_cast<std::int64_t>(monotonic_ns())) {
    const Held& packet = held_.front();
    (void)send(onward_socket_.get(), bytes_.data() + packet.first, packet.last - packet.first, MSG_NOSIGNAL);
    held_.pop_front();
  }
}

std::unordered_map<std::uint64_t, std::int64_t> DemoCall::injected(const Options& options) const {
  const std::uint32_t window = options.signature_window_size;
  std::array<__u64, 256> gear{};
  al_gear_fill(gear.data());
  std::vector<std::uint8_t> symbols(bytes_.size());
  std::unordered_map<std::uint64_t, std::int64_t> latencies;
  const auto passed = [](const std::vector<Arrival>& arrivals, std::size_t position) {
    return std::upper_bound(arrivals.begin(), arrivals.end(), position,
                            [](std::size_t at, const Arrival& arrival) { return at < arrival.end; });
  };
  __u64 hash = 0;
  for (std::size_t i = AL_LAG; i < bytes_.size(); ++i) {
    symbols[i] = bytes_[i] ^ bytes_[i - AL_LAG];
    hash = al_roll(hash, gear.at(symbols[i]), al_roll_shift(window));
    if (i + 1 < AL_LAG + window || hash >= al_threshold(options.signature_selectivity)) {
      continue;
    }
    const auto relay = passed(at_relay_, i);
    const auto sink = passed(at_sink_, i);
    if (relay != at_relay_.end() && sink != at_sink_.end()) {
      const std::uint64_t signature = al_signature(options.signature_algorithm, symbols.data() + (i + 1 - window),
                                                   window, hash, AL_DOMAIN_VERBATIM);
      latencies.insert_or_assign(signature, sink->time_ns - relay->time_ns);
    }
  }
  return latencies;
}

}  // namespace audio_latency
