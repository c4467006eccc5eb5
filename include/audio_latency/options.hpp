// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audio_latency/wire/treatment.h"

namespace audio_latency {

enum class DirectionOption : std::uint8_t { ingress, egress, both };
enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };
enum class LogFormat : std::uint8_t { automatic, json, text };
enum class Tristate : std::uint8_t { automatic, yes, no };
// How to get at the packets: TCX link where the kernel has it, else clsact filter; the others are for tests.
enum class AttachMode : std::uint8_t { automatic, tcx, clsact };
enum class K8sScope : std::uint8_t { automatic, node, cluster };
enum class ProcessIdentity : std::uint8_t { automatic, on, off };
enum class MetricIdentity : std::uint8_t { pod, workload };

struct AudioPort {
  std::uint16_t port = 0;
  al_format format = AL_FORMAT_RAW;
  bool operator==(const AudioPort&) const = default;
};

// What the packets of an RTP payload type hold, where RFC 3551 does not say.
struct RtpPayloadType {
  std::uint8_t type = 0;
  al_codec codec = AL_CODEC_UNKNOWN;
  bool operator==(const RtpPayloadType&) const = default;
};

// The effective configuration; each member is one variable of docs/CONFIGURATION.md.
struct Options {
  std::vector<std::string> interfaces = {"eth0"};
  bool interfaces_defaulted =
      true;  // nobody asked for eth0: the default route's interface is taken where it is missing
  DirectionOption direction = DirectionOption::ingress;
  bool direction_defaulted = true;
  AttachMode attach_mode = AttachMode::automatic;
  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::automatic;
  std::uint16_t metrics_port = 9090;
  std::string metrics_address = "0.0.0.0";
  std::vector<AudioPort> audio_ports;  // empty: all
  std::vector<RtpPayloadType> rtp_payload_types;
  Tristate a_law_domain = Tristate::automatic;  // automatic: once PCMA is seen
  al_algorithm signature_algorithm = AL_XXHASH;
  std::uint32_t signature_window_size = 64;  // symbols
  std::uint32_t signature_selectivity = 8;   // bits
  std::uint32_t silence_threshold = 256;     // 16-bit linear units
  std::uint32_t min_audio_packet_size = 80;  // payload bytes
  std::uint32_t max_flows = 10'000;
  std::uint32_t flow_timeout_ms = 30'000;
  std::uint32_t max_latency_ms = 10'000;
  bool match_unseen = false;
  std::uint32_t min_matches = 3;
  std::uint32_t hop_window_ms = 200;
  std::uint32_t settle_ms = 100;
  std::vector<std::uint16_t> tunnel_ports = {4789, 8472, 6081};
  std::uint32_t signature_ttl_seconds = 12;  // default: MAX_LATENCY + 2 s
  std::uint32_t max_active_signatures = 1'000'000;
  std::uint32_t ring_buffer_size = 4'194'304;     // bytes
  std::uint32_t payload_buffer_size = 8'388'608;  // bytes
  std::uint32_t scan_budget_mbps = 100;           // megabytes of payload a second and CPU
  std::uint32_t max_series = 2'000;
  std::vector<double> latency_buckets;  // seconds, rising; empty: interfaces.md's
  std::string names_file;               // static names; empty: none
  Tristate k8s_enabled = Tristate::automatic;
  std::string k8s_node_name;
  std::string k8s_api_url;  // empty: the cluster that this process runs in
  std::string k8s_service_account_dir = "/var/run/secrets/kubernetes.io/serviceaccount";
  K8sScope k8s_scope = K8sScope::automatic;
  bool k8s_watch_services = false;
  ProcessIdentity process_identity = ProcessIdentity::automatic;
  MetricIdentity metric_identity = MetricIdentity::pod;
  std::string bus_url;
  std::string bus_subject = "audio-latency";
  std::uint32_t bus_owners = 0;  // 0: as the load wants
  std::string bus_user;
  std::string bus_password_file;
  std::string bus_token_file;
  std::string bus_nkey;
  std::string bus_nkey_seed_file;
  std::string bus_credentials_file;
  std::string bus_ca_file;
  std::string bus_certificate_file;
  std::string bus_key_file;
  bool clock_correction = false;
  std::int32_t test_clock_offset_ms = 0;
};

}  // namespace audio_latency
