// SPDX-License-Identifier: Apache-2.0
#include "options_registry.hpp"

#include <algorithm>

#include "options_fields.hpp"

namespace audio_latency {
namespace {

using namespace fields;

// name, default, allowed, meaning, reloadable, parser, printer
constexpr Variable kVariables[] = {
    {"INTERFACE", "eth0", "a comma-separated list of interface names or globs such as veth*, or auto alone",
     "interfaces to watch; a missing name is an error, a glob waits for its interfaces; left at the default, the "
     "default route's interface is taken where eth0 is missing",
     true, parse_interface, print_interface},
    {"DIRECTION", "ingress", "ingress, egress or both",
     "packets to look at, as the interface sees them; both where INTERFACE is auto and this is not set", true,
     parse_direction, print_named<&Options::direction, kDirections>},
    {"ATTACH_MODE", "auto", "auto, tcx or clsact",
     "how the program is attached: auto takes a TCX link where the kernel has it (6.6), else a clsact filter", false,
     parse_named<&Options::attach_mode, kAttachModes>, print_named<&Options::attach_mode, kAttachModes>},
    {"LOG_LEVEL", "info", "trace, debug, info, warn or error", "least severe log events that are written", true,
     parse_named<&Options::log_level, kLogLevels>, print_named<&Options::log_level, kLogLevels>},
    {"LOG_FORMAT", "auto", "auto, json or text",
     "one JSON object a line, or text; auto writes text to a terminal and JSON elsewhere", false,
     parse_named<&Options::log_format, kLogFormats>, print_named<&Options::log_format, kLogFormats>},
    {"METRICS_PORT", "9090", "a number from 1 to 65535", "TCP port of the HTTP server", false,
     parse_numeric<&Options::metrics_port, 1, 65535>, print_numeric<&Options::metrics_port>},
    {"METRICS_ADDRESS", "0.0.0.0", "an IPv4 or IPv6 address", "address that the HTTP server listens on", false,
     parse_address, print_text<&Options::metrics_address>},
    {"AUDIO_PORTS", "all",
     "a comma-separated list of ports from 1 to 65535, none twice, each with an optional format (raw, rtp, pcmu, pcma, "
     "pcm16le, pcm16be, websocket, json, sse, http, audiosocket, grpc or auto), for example 8080,5004/rtp; or all",
     "ports that carry audio, as sender or receiver, with the format of their payload", true, parse_audio, print_audio},
    {"RTP_PAYLOAD_TYPES", "",
     "a comma-separated list of RTP payload types from 0 to 127, none twice, each with a codec (pcmu, pcma, pcm16le, "
     "pcm16be or compressed), for example 96:pcm16be; or nothing",
     "codecs of dynamic RTP payload types; those of RFC 3551 are known", true, parse_rtp_types, print_rtp_types},
    {"ALAW_DOMAIN", "auto", "auto, on or off",
     "compute A-law signatures beside mu-law ones; auto: once A-law audio was seen", true,
     parse_named<&Options::a_law_domain, kAutoSwitches>, print_named<&Options::a_law_domain, kAutoSwitches>},
    {"SIGNATURE_ALGORITHM", "xxhash", "xxhash, rolling_hash or crc32",
     "hash of a window; all nodes and captures that are compared need the same", false,
     parse_named<&Options::signature_algorithm, kAlgorithms>, print_named<&Options::signature_algorithm, kAlgorithms>},
    {"SIGNATURE_WINDOW_SIZE", "64", "16, 32 or 64",
     "symbols in a window; shorter windows fit into shorter packets and repeat more often", false, parse_window,
     print_numeric<&Options::signature_window_size>},
    {"SIGNATURE_SELECTIVITY", "8", "a number from 8 to 16 (leading zero bits)",
     "a window in 2^k is selected; one more halves signatures and cost", false,
     parse_numeric<&Options::signature_selectivity, 8, 16>, print_numeric<&Options::signature_selectivity>},
    {"SILENCE_THRESHOLD", "256", "a number from 0 to 32767 (16-bit linear units)",
     "least peak of a window whose codec is known", false, parse_numeric<&Options::silence_threshold, 0, 32767>,
     print_numeric<&Options::silence_threshold>},
    {"MIN_AUDIO_PACKET_SIZE", "80", "a number from 1 to 65535 (bytes of payload)", "smaller packets are not scanned",
     false, parse_numeric<&Options::min_audio_packet_size, 1, 65535>, print_numeric<&Options::min_audio_packet_size>},
    {"MAX_FLOWS", "10000", "a number from 16 to 1000000 (flows)",
     "size of the flow tables; one sender, a pod or an address, may have a tenth", false,
     parse_numeric<&Options::max_flows, 16, 1000000>, print_numeric<&Options::max_flows>},
    {"FLOW_TIMEOUT_MS", "30000", "a number from 1000 to 3600000 (milliseconds)",
     "a flow or link without traffic is forgotten after it; series of metrics after ten times as long", false,
     parse_numeric<&Options::flow_timeout_ms, 1000, 3600000>, print_numeric<&Options::flow_timeout_ms>},
    {"MAX_LATENCY_MS", "10000", "a number from 10 to 600000 (milliseconds)", "longest latency that is measured", false,
     parse_numeric<&Options::max_latency_ms, 10, 600000>, print_numeric<&Options::max_latency_ms>},
    {"MATCH_UNSEEN", "off", "on or off", "match across hops that cannot be scanned", false,
     parse_named<&Options::match_unseen, kSwitches>, print_named<&Options::match_unseen, kSwitches>},
    {"MIN_MATCHES", "3", "a number from 1 to 100 (matches)", "matches with agreeing delays that form a link", false,
     parse_numeric<&Options::min_matches, 1, 100>, print_numeric<&Options::min_matches>},
    {"HOP_WINDOW_MS", "200", "a number from 1 to 10000 (milliseconds)",
     "longest time between two sightings of one packet at two capture points", false,
     parse_numeric<&Options::hop_window_ms, 1, 10000>, print_numeric<&Options::hop_window_ms>},
    {"SETTLE_MS", "100; 300 with BUS_URL", "a number from 0 to 10000 (milliseconds)",
     "how long late observations are waited for before matches are recorded", false,
     parse_numeric<&Options::settle_ms, 0, 10000>, print_numeric<&Options::settle_ms>},
    {"TUNNEL_PORTS", "4789,8472,6081", "a comma-separated list of at most 8 ports from 1 to 65535, none twice; or none",
     "UDP ports of VXLAN and Geneve (6081), decapsulated on uplinks", false, parse_tunnels, print_tunnels},
    {"SIGNATURE_TTL_SECONDS", "MAX_LATENCY_MS + 2 s", "a number from 1 to 3600 (seconds), not below MAX_LATENCY_MS",
     "how long a signature is remembered after it was last seen", false,
     parse_numeric<&Options::signature_ttl_seconds, 1, 3600>, print_numeric<&Options::signature_ttl_seconds>},
    {"MAX_ACTIVE_SIGNATURES", "1000000", "a number from 1000 to 100000000 (signatures)",
     "size of the signature table; the oldest go first", false,
     parse_numeric<&Options::max_active_signatures, 1000, 100000000>, print_numeric<&Options::max_active_signatures>},
    {"RING_BUFFER_SIZE", "4194304", "a power of two from 4096 to 1073741824 (bytes)",
     "ring buffer between kernel program and daemon", false, parse_ring, print_numeric<&Options::ring_buffer_size>},
    {"PAYLOAD_BUFFER_SIZE", "8388608", "a power of two from 4096 to 1073741824 (bytes)",
     "ring buffer for the payload of flows that the daemon recognises or decodes", false, parse_payload_ring,
     print_numeric<&Options::payload_buffer_size>},
    {"SCAN_BUDGET_MBPS", "100", "a number from 0 to 100000 (megabytes a second; 0 is no limit)",
     "payload that one CPU may scan; packets above it pass unscanned and are counted", false,
     parse_numeric<&Options::scan_budget_mbps, 0, 100000>, print_numeric<&Options::scan_budget_mbps>},
    {"MAX_SERIES", "2000", "a number from 1 to 1000000 (label sets)",
     "label sets of one metric; the rest goes to the series other", false,
     parse_numeric<&Options::max_series, 1, 1000000>, print_numeric<&Options::max_series>},
    {"LATENCY_BUCKETS", "0.001 … 10 (33 buckets)",
     "a comma-separated list of at most 100 rising positive numbers (seconds)",
     "bucket bounds of the latency histograms", false, parse_bucket_list, print_bucket_list},
    {"NAMES_FILE", "", "the path of a YAML file, or nothing", "static names of addresses (docs/CONFIGURATION.md)", true,
     parse_path<&Options::names_file>, print_text<&Options::names_file>},
    {"K8S_ENABLED", "auto", "auto, true or false",
     "name pods and services by the Kubernetes API; auto: where a service account is present", false,
     parse_named<&Options::k8s_enabled, kTristates>, print_named<&Options::k8s_enabled, kTristates>},
    {"K8S_NODE_NAME", "", "a node name (lower-case DNS name), or nothing",
     "this node, from the downward API (spec.nodeName)", false, parse_node_name, print_text<&Options::k8s_node_name>},
    {"K8S_API_URL", "", "an http:// or https:// URL, or nothing",
     "Kubernetes API server; nothing: that of the cluster that this runs in", false, parse_api_url,
     print_text<&Options::k8s_api_url>},
    {"K8S_SERVICE_ACCOUNT_DIR", "/var/run/secrets/kubernetes.io/serviceaccount", "the path of a directory",
     "where the files token and ca.crt are; the token is read before each request", false, parse_account_dir,
     print_text<&Options::k8s_service_account_dir>},
    {"K8S_SCOPE", "auto", "auto, node or cluster",
     "pods that are watched: this node's (needs K8S_NODE_NAME), or the cluster's, so that the other end is named too; "
     "auto: node with BUS_URL, else cluster",
     false, parse_named<&Options::k8s_scope, kScopes>, print_named<&Options::k8s_scope, kScopes>},
    {"K8S_WATCH_SERVICES", "false", "true or false", "name Services too: a ClusterIP reads as its Service", false,
     parse_named<&Options::k8s_watch_services, kBooleans>, print_named<&Options::k8s_watch_services, kBooleans>},
    {"PROCESS_IDENTITY", "auto", "auto, on or off",
     "name local processes, containers and pods with the node's address by their sockets; auto: where other processes' "
     "files may be read (CAP_SYS_PTRACE)",
     false, parse_named<&Options::process_identity, kProcessIdentities>,
     print_named<&Options::process_identity, kProcessIdentities>},
    {"METRIC_IDENTITY", "pod", "pod or workload",
     "what the labels of metrics name: each pod, or its workload (fewer series)", false,
     parse_named<&Options::metric_identity, kMetricIdentities>,
     print_named<&Options::metric_identity, kMetricIdentities>},
    {"BUS_URL", "", "nats:// or tls:// URLs separated by commas, or nothing",
     "message bus to other nodes; nothing: this node measures by itself", false, parse_bus_url,
     print_text<&Options::bus_url>},
    {"BUS_SUBJECT", "audio-latency", "at most 100 letters, digits, dots, - and _; no empty token",
     "first tokens of the subjects; nodes that measure together have the same", false, parse_bus_subject,
     print_text<&Options::bus_subject>},
    {"BUS_OWNERS", "auto", "auto or a number from 1 to 64 (nodes)",
     "nodes that signatures are spread over at most; auto: two, and more as the load wants (docs/SCALING.md)", false,
     parse_bus_owners, print_bus_owners},
    {"BUS_USER", "", "at most 253 characters, none of control", "user that the bus knows", false, parse_bus_user,
     print_text<&Options::bus_user>},
    {"BUS_PASSWORD_FILE", "", "the path of a file, or nothing", "file with the password of BUS_USER", false,
     parse_path<&Options::bus_password_file>, print_text<&Options::bus_password_file>},
    {"BUS_TOKEN_FILE", "", "the path of a file, or nothing", "file with the token that the bus wants", false,
     parse_path<&Options::bus_token_file>, print_text<&Options::bus_token_file>},
    {"BUS_NKEY", "", "a public user NKey (U and 55 more characters), or nothing",
     "NKey that the bus knows; needs BUS_NKEY_SEED_FILE", false, parse_bus_nkey, print_text<&Options::bus_nkey>},
    {"BUS_NKEY_SEED_FILE", "", "the path of a file, or nothing", "file with the seed of BUS_NKEY", false,
     parse_path<&Options::bus_nkey_seed_file>, print_text<&Options::bus_nkey_seed_file>},
    {"BUS_CREDENTIALS_FILE", "", "the path of a file, or nothing", "file with a user JWT and its seed (.creds)", false,
     parse_path<&Options::bus_credentials_file>, print_text<&Options::bus_credentials_file>},
    {"BUS_CA_FILE", "", "the path of a PEM file, or nothing",
     "certificates that sign the servers of tls:// URLs; nothing: the system's", false,
     parse_path<&Options::bus_ca_file>, print_text<&Options::bus_ca_file>},
    {"BUS_CERTIFICATE_FILE", "", "the path of a PEM file, or nothing",
     "certificate of this client, with its chain; needs BUS_KEY_FILE", false,
     parse_path<&Options::bus_certificate_file>, print_text<&Options::bus_certificate_file>},
    {"BUS_KEY_FILE", "", "the path of a PEM file, or nothing", "private key of BUS_CERTIFICATE_FILE", false,
     parse_path<&Options::bus_key_file>, print_text<&Options::bus_key_file>},
    {"CLOCK_CORRECTION", "off", "on or off",
     "take other nodes' times by the measured offset of their clocks instead of as they are told", false,
     parse_named<&Options::clock_correction, kSwitches>, print_named<&Options::clock_correction, kSwitches>},
    {"TEST_CLOCK_OFFSET_MS", "0", "a number from -3600000 to 3600000 (milliseconds)",
     "for tests: this node tells the time of day so much too late", false, parse_clock_offset,
     print_numeric<&Options::test_clock_offset_ms>},
};

}  // namespace

std::span<const Variable> variables() {
  return kVariables;
}

const Variable* find_variable(std::string_view name) {
  const auto known = std::find_if(std::begin(kVariables), std::end(kVariables),
                                  [&](const Variable& variable) { return variable.name == name; });
  return known == std::end(kVariables) ? nullptr : &*known;
}

std::string key_name(const Variable& variable) {
  std::string key(variable.name);
  std::transform(key.begin(), key.end(), key.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return key;
}

std::string flag_name(const Variable& variable) {
  std::string flag = key_name(variable);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return "--" + flag;
}

}  // namespace audio_latency
