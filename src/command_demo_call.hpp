// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "audio_latency/net.hpp"
#include "audio_latency/options.hpp"
#include "audio_latency/result.hpp"
#include "command_demo_sound.hpp"
#include "fd.hpp"

namespace audio_latency {

// One call over UDP on 127.0.0.1: a source thread plays sound in packets of 20 ms; a relay thread holds it for a known
// time and sends it on in packets that begin 10 ms off; both notice the kernel's time stamps of what arrives.
class DemoCall {
 public:
  static Result<std::unique_ptr<DemoCall>> create(const Sound& sound, std::int64_t delay_ns);
  ~DemoCall();
  DemoCall(const DemoCall&) = delete;
  DemoCall& operator=(const DemoCall&) = delete;

  void start();
  // All sound has arrived at the sink. Any thread.
  bool done() const { return done_; }
  // Ends both threads, however far they are.
  void stop();

  std::int64_t delay_ns() const { return delay_ns_; }
  SocketAddress source() const { return source_address_; }
  SocketAddress relay() const { return relay_address_; }
  SocketAddress sink() const { return sink_address_; }

  // True latencies by signature, ns: from the packet with the window's last byte on its way to the relay, to the one
  // on its way to the sink. After stop().
  std::unordered_map<std::uint64_t, std::int64_t> injected(const Options& options) const;

 private:
  struct Held {
    std::size_t first;  // bytes of the sound
    std::size_t last;
    std::int64_t due_ns;  // CLOCK_MONOTONIC
  };
  struct Arrival {
    std::size_t end;  // bytes of the sound that had arrived with this packet
    std::int64_t time_ns;
  };

  DemoCall(const Sound& sound, std::int64_t delay_ns);
  Status open();
  void play();
  void relay_sound();
  void take_arrivals();
  void send_due();
  int patience_ms() const;

  std::vector<std::uint8_t> bytes_;
  std::size_t packet_;  // bytes of 20 ms
  std::int64_t delay_ns_;
  Fd source_socket_;  // connected to the relay
  Fd relay_socket_;
  Fd onward_socket_;  // connected to the sink
  Fd sink_socket_;
  SocketAddress source_address_;
  SocketAddress relay_address_;
  SocketAddress sink_address_;
  std::deque<Held> held_;
  std::size_t cut_ = 0;  // bytes that have been cut into packets
  std::vector<Arrival> at_relay_;
  std::vector<Arrival> at_sink_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> done_ = false;
  std::thread player_;
  std::thread relayer_;
};

}  // namespace audio_latency
