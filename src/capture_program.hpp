// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "audio_latency/observation.hpp"
#include "audio_latency/options.hpp"
#include "audio_latency/result.hpp"

struct audio_latency_bpf;

namespace audio_latency {

// How the kernel program scans. `automatic`: full where the kernel has bpf_loop (Linux 5.17), else bounded.
enum class ProgramBuild : std::uint8_t { automatic, full, bounded };

// The kernel program, loaded and verified but attached to nothing. Descriptors are owned by this object. One thread.
class CaptureProgram {
 public:
  // Errors name what the kernel or the process lacks: a capability, a helper, a map type.
  static Result<std::unique_ptr<CaptureProgram>> load(const Options& options, const al_settings& settings,
                                                      ProgramBuild build = ProgramBuild::automatic);
  ~CaptureProgram();
  CaptureProgram(const CaptureProgram&) = delete;
  CaptureProgram& operator=(const CaptureProgram&) = delete;

  bool full() const { return full_; }

  // One program for each kind of device (by ARPHRD: with or without an Ethernet header) and direction.
  int program_fd(bool ethernet, al_direction direction) const;
  const char* program_name(bool ethernet, al_direction direction) const;

  int events_fd() const;    // ring buffer of al_event
  int payloads_fd() const;  // ring buffer of al_payload and bytes
  // Counters of an interface and direction must be here (KernelInterfaceEntries) before a packet of it is scanned;
  // packets of others pass uncounted.
  int interfaces_fd() const;  // per-CPU array of al_interface, by al_interface_slot()
  int scratch_fd() const;     // per-CPU array of one al_scratch
  int shortcuts_fd() const;   // array of al_shortcut, AL_SHORTCUTS for each possible CPU; may be mapped
  int flows_fd() const;       // hash: al_flow_key -> al_flow_slot
  int senders_fd() const;     // hash: al_sender_key -> __u32, entries of `flows` that count against a sender

  int ports_fd() const;  // array of one al_port_table

  // `listening`: somebody takes what is in the ring buffer of payload.
  Status set_ports(const Options& options, bool listening = false);

 private:
  explicit CaptureProgram(audio_latency_bpf* skeleton, bool full) : skeleton_(skeleton), full_(full) {}
  audio_latency_bpf* skeleton_;
  bool full_;
};

}  // namespace audio_latency
