// SPDX-License-Identifier: Apache-2.0
#include "relay.hpp"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstring>

namespace audio_latency::examples {
namespace {

constexpr int kPatienceMs = 10'000;

Error system_failure(const char* what) {
  return Error{std::string(what) + ": " + std::strerror(errno)};
}

void announce(const char* side, const Fd& socket) {
  std::printf("%s %s\n", side, local_address(socket).c_str());
  (void)std::fflush(stdout);
}

}  // namespace

Relay::Relay(const RelayOptions& options)
    : options_(options),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      transcoder_(options.in.codec, options.out.codec),
      recutter_(options.cut, options.seed),
      buffer_(256 * 1024) {}

Result<std::unique_ptr<Relay>> Relay::create(const RelayOptions& options) {
  std::unique_ptr<Relay> relay(new Relay(options));
  if (!relay->epoll_.valid() || !relay->timer_.valid()) {
    return system_failure("can't set up the event loop");
  }
  for (const auto step : {&Relay::prepare, &Relay::open_input, &Relay::open_output}) {
    if (const Status done = (relay.get()->*step)(); !done) {
      return done.error();
    }
  }
  return relay;
}

Status Relay::prepare() {
  if (!options_.log.empty()) {
    log_.reset(std::fopen(options_.log.c_str(), "we"));
    if (!log_) {
      return system_failure(("can't write " + options_.log).c_str());
    }
    (void)std::setvbuf(log_.get(), nullptr, _IOLBF, 0);
  }
  return watch(timer_);
}

Status Relay::open_input() {
  const Transport transport = transport_of(options_.in.framing);
  if (!options_.from.empty()) {
    auto socket = connect_to(options_.from, transport, kPatienceMs);
    return socket ? take_input(std::move(*socket), Role::client) : Status(socket.error());
  }
  auto socket = listen_at(options_.listen, transport);
  if (!socket) {
    return socket.error();
  }
  announce("in", *socket);
  if (transport == Transport::udp) {
    return take_input(std::move(*socket), Role::server);
  }
  input_listener_ = std::move(*socket);
  return watch(input_listener_);
}

Status Relay::open_output() {
  const Transport transport = transport_of(options_.out.framing);
  if (!options_.serve.empty()) {
    auto socket = listen_at(options_.serve, transport);
    if (!socket) {
      return socket.error();
    }
    announce("out", *socket);
    output_listener_ = std::move(*socket);
    return watch(output_listener_);
  }
  if (options_.to.empty()) {
    return success();
  }
  auto socket = connect_to(options_.to, transport, kPatienceMs);
  if (!socket) {
    return socket.error();
  }
  auto writer = make_writer(options_.out, std::move(*socket), Role::client);
  if (!writer) {
    return writer.error();
  }
  writer_ = std::move(*writer);
  return success();
}

Status Relay::watch(const Fd& fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd.get();
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) == 0 ? success()
                                                                       : Status(system_failure("can't watch a socket"));
}

Status Relay::take_input(Fd socket, Role role) {
  auto reader = make_reader(options_.in, socket, role);
  if (!reader) {
    return reader.error();
  }
  reader_ = std::move(*reader);
  input_ = std::move(socket);
  return watch(input_);
}

Status Relay::run() {
  std::array<epoll_event, 8> events{};
  while (true) {
    const int count = epoll_wait(epoll_.get(), events.data(), events.size(), -1);
    if (count < 0 && errno != EINTR) {
      return system_failure("can't wait for events");
    }
    for (int i = 0; i < count; ++i) {
      if (Status done = dispatch(events.at(static_cast<std::size_t>(i)).data.fd); !done) {
        return done;
      }
    }
  }
}

Status Relay::dispatch(int fd) {
  if (fd == input_.get()) {
    return read_input();
  }
  if (fd == output_listener_.get()) {
    return take_listener();
  }
  if (fd == input_listener_.get()) {
    auto socket = accept_from(input_listener_);
    const Status taken = socket ? take_input(std::move(*socket), Role::server) : Status(socket.error());
    if (!taken) {  // one caller that can't be understood does not end the relay
      std::fprintf(stderr, "audio-relay: %s\n", taken.error().message.c_str());
    }
    return success();
  }
  std::uint64_t expirations = 0;
  (void)!read(timer_.get(), &expirations, sizeof expirations);
  return send_due();
}

Status Relay::take_listener() {
  auto socket = accept_from(output_listener_);
  auto writer = socket ? make_writer(options_.out, std::move(*socket), Role::server) : MadeWriter(socket.error());
  if (writer) {
    writer_ = std::move(*writer);
  } else {
    std::fprintf(stderr, "audio-relay: %s\n", writer.error().message.c_str());
  }
  return success();
}

Status Relay::read_input() {
  while (true) {
    const Received got = receive(input_, buffer_);
    if (got.ended) {
      end_input();
      return success();
    }
    if (got.length == 0) {
      return send_due();
    }
    std::vector<std::uint8_t> audio;
    reader_->feed({buffer_.data(), got.length}, audio);
    if (is_sink()) {
      log_chunk({sunk_bytes_, audio, got.arrived_ns}, 0);
      sunk_bytes_ += audio.size();
      continue;
    }
    recutter_.add(transcoder_.feed(audio), got.arrived_ns);
    while (auto chunk = recutter_.next()) {
      hold(std::move(*chunk));
    }
  }
}

// What is left goes out as a short chunk; the next caller continues the stream.
void Relay::end_input() {
  input_ = Fd();
  if (Chunk rest = recutter_.rest(); !rest.audio.empty()) {
    hold(std::move(rest));
  }
  set_timer();
}

// The delay counts from the kernel's stamp, carried over to the steady clock.
void Relay::hold(Chunk chunk) {
  const std::int64_t age = wall_clock_ns() - chunk.arrived_ns;
  held_.push_back({std::move(chunk), steady_clock_ns() - age + options_.delay_ns});
}

Status Relay::send_due() {
  while (!held_.empty() && held_.front().due_ns <= steady_clock_ns()) {
    const Chunk chunk = std::move(held_.front().chunk);
    held_.pop_front();
    if (!writer_) {
      continue;  // nobody listens yet: live sound is gone
    }
    const std::int64_t left_ns = wall_clock_ns();
    if (Status sent = writer_->write(chunk.audio); !sent) {
      if (options_.serve.empty()) {
        return sent;
      }
      writer_.reset();
      continue;
    }
    log_chunk(chunk, left_ns);
  }
  set_timer();
  return success();
}

void Relay::set_timer() {
  itimerspec when{};
  if (!held_.empty()) {
    when.it_value = {held_.front().due_ns / 1'000'000'000, held_.front().due_ns % 1'000'000'000};
  }
  (void)timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

void Relay::log_chunk(const Chunk& chunk, std::int64_t left_ns) {
  if (!log_) {
    return;
  }
  const std::size_t width = bytes_per_sample((is_sink() ? options_.in : options_.out).codec);
  (void)std::fprintf(log_.get(), R"({"position":%)" PRIu64 R"(,"samples":%zu,"arrived_ns":%)" PRId64,
                     chunk.position / width, chunk.audio.size() / width, chunk.arrived_ns);
  if (left_ns != 0) {
    (void)std::fprintf(log_.get(), R"(,"left_ns":%)" PRId64, left_ns);
  }
  (void)std::fputs("}\n", log_.get());
}

}  // namespace audio_latency::examples
