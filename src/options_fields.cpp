// SPDX-License-Identifier: Apache-2.0
#include "options_fields.hpp"

#include <iterator>

#include "audio_latency/net.hpp"
#include "audio_latency/wire/settings.h"

namespace audio_latency::fields {
namespace {

std::string joined(const auto& items, const auto& print, std::string_view none) {
  std::string text;
  for (const auto& item : items) {
    if (!text.empty()) text += ',';
    text += print(item);
  }
  return text.empty() ? std::string(none) : text;
}

// The kernel wants a power of two and whole pages.
bool parse_ring_size(std::string_view text, std::uint32_t& size) {
  const auto parsed = parse_number<std::uint32_t>(text, 4096, 1U << 30);
  if (!parsed || (*parsed & (*parsed - 1)) != 0) return false;
  size = *parsed;
  return true;
}

}  // namespace

bool parse_interface(std::string_view text, Options& options) {
  auto interfaces = parse_interfaces(text);
  if (!interfaces) return false;
  options.interfaces = std::move(*interfaces);
  options.interfaces_defaulted = false;
  return true;
}
std::string print_interface(const Options& options) {
  return joined(
      options.interfaces, [](const std::string& name) { return name; }, "");
}

bool parse_direction(std::string_view text, Options& options) {
  if (!parse_named<&Options::direction, kDirections>(text, options)) return false;
  options.direction_defaulted = false;
  return true;
}

bool parse_address(std::string_view text, Options& options) {
  if (!IpAddress::parse(text)) return false;
  options.metrics_address = text;
  return true;
}

bool parse_audio(std::string_view text, Options& options) {
  auto ports = parse_audio_ports(text);
  if (ports) options.audio_ports = std::move(*ports);
  return ports.has_value();
}
std::string print_audio(const Options& options) {
  const auto print = [](const AudioPort& port) {
    return std::to_string(port.port) + "/" + std::string(format_name(port.format));
  };
  return joined(options.audio_ports, print, "all");
}

bool parse_rtp_types(std::string_view text, Options& options) {
  auto types = parse_rtp_payload_types(text);
  if (types) options.rtp_payload_types = std::move(*types);
  return types.has_value();
}
std::string print_rtp_types(const Options& options) {
  const auto print = [](const RtpPayloadType& type) {
    return std::to_string(type.type) + ":" + std::string(codec_name(type.codec));
  };
  return joined(options.rtp_payload_types, print, "");
}

bool parse_window(std::string_view text, Options& options) {
  const auto window = parse_number<std::uint32_t>(text, 16, 64);
  if (!window || (*window & (*window - 1)) != 0) return false;
  options.signature_window_size = *window;
  return true;
}

bool parse_tunnels(std::string_view text, Options& options) {
  constexpr std::size_t most = std::size(al_settings{}.tunnel_ports);
  auto ports = text == "none" ? std::vector<std::uint16_t>{} : parse_ports(text, most);
  if (ports) options.tunnel_ports = std::move(*ports);
  return ports.has_value();
}
std::string print_tunnels(const Options& options) {
  return joined(
      options.tunnel_ports, [](std::uint16_t port) { return std::to_string(port); }, "none");
}

bool parse_ring(std::string_view text, Options& options) {
  return parse_ring_size(text, options.ring_buffer_size);
}
bool parse_payload_ring(std::string_view text, Options& options) {
  return parse_ring_size(text, options.payload_buffer_size);
}

bool parse_bucket_list(std::string_view text, Options& options) {
  auto buckets = parse_buckets(text);
  if (buckets) options.latency_buckets = std::move(*buckets);
  return buckets.has_value();
}
std::string print_bucket_list(const Options& options) {
  return print_buckets(options.latency_buckets.empty() ? default_latency_buckets() : options.latency_buckets);
}

bool parse_node_name(std::string_view text, Options& options) {
  if (!text.empty() && !is_dns_name(text)) return false;
  options.k8s_node_name = text;
  return true;
}

bool parse_api_url(std::string_view text, Options& options) {
  if (!text.empty() && text.find_first_not_of('/') == std::string_view::npos) return false;
  while (text.ends_with('/')) text.remove_suffix(1);
  const bool http = text.starts_with("http://") || text.starts_with("https://");
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!text.empty() && (!http || !printable)) return false;
  options.k8s_api_url = text;
  return true;
}

bool parse_account_dir(std::string_view text, Options& options) {
  if (text.empty()) return false;
  options.k8s_service_account_dir = text;
  return true;
}

bool parse_bus_url(std::string_view text, Options& options) {
  if (!text.empty() && !is_bus_url(text)) return false;
  options.bus_url = text;
  return true;
}

bool parse_bus_subject(std::string_view text, Options& options) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  const bool tokens = !text.empty() && text.front() != '.' && text.back() != '.' && text.find("..") == text.npos;
  if (!tokens || text.size() > 100 || !std::all_of(text.begin(), text.end(), allowed)) return false;
  options.bus_subject = text;
  return true;
}

bool parse_bus_user(std::string_view text, Options& options) {
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c != 0x7f; });
  if (text.size() > 253 || !printable) return false;
  options.bus_user = text;
  return true;
}

bool parse_bus_nkey(std::string_view text, Options& options) {
  const auto base32 = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7'); };
  const bool key = text.size() == 56 && text.front() == 'U' && std::all_of(text.begin(), text.end(), base32);
  if (!text.empty() && !key) return false;
  options.bus_nkey = text;
  return true;
}

bool parse_bus_owners(std::string_view text, Options& options) {
  if (text != "auto") return parse_numeric<&Options::bus_owners, 1, 64>(text, options);
  options.bus_owners = 0;
  return true;
}

std::string print_bus_owners(const Options& options) {
  return options.bus_owners == 0 ? "auto" : std::to_string(options.bus_owners);
}

bool parse_clock_offset(std::string_view text, Options& options) {
  const bool negative = text.starts_with('-');
  const auto size = parse_number<std::uint32_t>(text.substr(negative ? 1 : 0), 0, 3'600'000);
  if (!size) return false;
  options.test_clock_offset_ms = negative ? -static_cast<std::int32_t>(*size) : static_cast<std::int32_t>(*size);
  return true;
}

}  // namespace audio_latency::fields
