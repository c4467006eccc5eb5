// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "audio_format.hpp"
#include "recutter.hpp"

namespace audio_latency::examples {

struct RelayOptions {
  StreamFormat in;
  std::string listen;  // where the input comes to, or
  std::string from;    // where to fetch it
  StreamFormat out;
  std::string to;     // where the output goes, or
  std::string serve;  // where a listener may fetch it; both empty: a sink
  Cut cut;            // of the output
  std::uint64_t seed = 1;
  std::int64_t delay_ns = 0;
  std::string log;  // JSON lines, one a chunk; empty: none
};

// Takes one call, holds each chunk of its audio for a while, and sends it on packetised anew, in another format where
// that is wished. One thread, epoll.
class Relay {
 public:
  // Listens and connects; prints `in ADDRESS` and `out ADDRESS` for what it listens at.
  static Result<std::unique_ptr<Relay>> create(const RelayOptions& options);
  // Until something fails.
  Status run();

 private:
  struct Held {
    Chunk chunk;
    std::int64_t due_ns;  // steady clock
  };
  struct CloseFile {
    void operator()(std::FILE* file) const { (void)std::fclose(file); }
  };

  explicit Relay(const RelayOptions& options);
  Status prepare();
  Status open_input();
  Status open_output();
  Status watch(const Fd& fd);
  Status dispatch(int fd);
  Status take_input(Fd socket, Role role);
  Status take_listener();
  Status read_input();
  void end_input();
  void hold(Chunk chunk);
  Status send_due();
  void set_timer();
  void log_chunk(const Chunk& chunk, std::int64_t left_ns);
  bool is_sink() const { return options_.to.empty() && options_.serve.empty(); }

  RelayOptions options_;
  Fd epoll_;
  Fd timer_;
  Fd input_listener_;
  Fd input_;
  Fd output_listener_;
  std::unique_ptr<AudioReader> reader_;
  std::unique_ptr<AudioWriter> writer_;
  Transcoder transcoder_;
  Recutter recutter_;
  std::deque<Held> held_;
  std::vector<std::uint8_t> buffer_;
  std::uint64_t sunk_bytes_ = 0;
  std::unique_ptr<std::FILE, CloseFile> log_;
};

}  // namespace audio_latency::examples
