// SPDX-License-Identifier: Apache-2.0
#include "options_parse.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace audio_latency {
namespace {

constexpr std::size_t kMostBuckets = 100;
constexpr std::size_t kMostInterfaces = 256;
constexpr std::size_t kLongestPattern = 64;
constexpr std::size_t kLongestInterface = 15;  // IFNAMSIZ - 1

struct FormatName {
  std::string_view name;
  al_format format;
};
constexpr std::array<FormatName, 13> kFormats = {{{"auto", AL_FORMAT_AUTO},
                                                  {"raw", AL_FORMAT_RAW},
                                                  {"rtp", AL_FORMAT_RTP},
                                                  {"pcm16le", AL_FORMAT_PCM16LE},
                                                  {"pcm16be", AL_FORMAT_PCM16BE},
                                                  {"pcmu", AL_FORMAT_PCMU},
                                                  {"pcma", AL_FORMAT_PCMA},
                                                  {"websocket", AL_FORMAT_WEBSOCKET},
                                                  {"json", AL_FORMAT_JSON},
                                                  {"sse", AL_FORMAT_SSE},
                                                  {"http", AL_FORMAT_HTTP},
                                                  {"audiosocket", AL_FORMAT_AUDIOSOCKET},
                                                  {"grpc", AL_FORMAT_GRPC}}};
static_assert(kFormats.size() == AL_FORMATS - 1);

struct CodecName {
  std::string_view name;
  al_codec codec;
};
constexpr std::array<CodecName, 5> kCodecs = {{{"pcmu", AL_CODEC_PCMU},
                                               {"pcma", AL_CODEC_PCMA},
                                               {"pcm16le", AL_CODEC_PCM16LE},
                                               {"pcm16be", AL_CODEC_PCM16BE},
                                               {"compressed", AL_CODEC_COMPRESSED}}};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::optional<AudioPort> parse_audio_port(std::string_view text) {
  const auto slash = text.find('/');
  const auto port = parse_number<std::uint16_t>(text.substr(0, slash), 1, 65535);
  if (!port) return std::nullopt;
  if (slash == std::string_view::npos) return AudioPort{*port, AL_FORMAT_RAW};
  const auto known = std::find_if(kFormats.begin(), kFormats.end(),
                                  [&](const FormatName& format) { return format.name == text.substr(slash + 1); });
  if (known == kFormats.end()) return std::nullopt;
  return AudioPort{*port, known->format};
}

std::optional<RtpPayloadType> parse_rtp_payload_type(std::string_view text) {
  const auto colon = text.find(':');
  const auto type = parse_number<std::uint8_t>(text.substr(0, colon), 0, 127);
  if (!type || colon == std::string_view::npos) return std::nullopt;
  const auto known = std::find_if(kCodecs.begin(), kCodecs.end(),
                                  [&](const CodecName& codec) { return codec.name == text.substr(colon + 1); });
  if (known == kCodecs.end()) return std::nullopt;
  return RtpPayloadType{*type, known->codec};
}

bool is_interface_pattern(std::string_view text) {
  const bool glob = text.find_first_of("*?[") != std::string_view::npos;
  if (text.empty() || text == "." || text == ".." || text.size() > (glob ? kLongestPattern : kLongestInterface)) {
    return false;
  }
  // What the kernel refuses in a name (dev_valid_name), and what no terminal should be sent.
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '/' && c != ':'; });
}

std::optional<double> parse_seconds(std::string_view text) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> items;
  while (true) {
    const auto comma = text.find(',');
    items.push_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

std::optional<std::vector<std::uint16_t>> parse_ports(std::string_view text, std::size_t most) {
  std::vector<std::uint16_t> ports;
  for (const std::string_view item : split_list(text)) {
    const auto port = parse_number<std::uint16_t>(item, 1, 65535);
    if (!port || ports.size() == most || std::find(ports.begin(), ports.end(), *port) != ports.end()) {
      return std::nullopt;
    }
    ports.push_back(*port);
  }
  return ports;
}

std::optional<std::vector<AudioPort>> parse_audio_ports(std::string_view text) {
  std::vector<AudioPort> ports;
  if (text.empty() || text == "all") return ports;
  std::vector<bool> taken(65536);
  for (const std::string_view item : split_list(text)) {
    const auto port = parse_audio_port(item);
    if (!port || taken[port->port]) return std::nullopt;
    taken[port->port] = true;
    ports.push_back(*port);
  }
  return ports;
}

std::string_view format_name(al_format format) {
  const auto known = std::find_if(kFormats.begin(), kFormats.end(),
                                  [&](const FormatName& candidate) { return candidate.format == format; });
  return known == kFormats.end() ? "none" : known->name;
}

std::optional<std::vector<RtpPayloadType>> parse_rtp_payload_types(std::string_view text) {
  std::vector<RtpPayloadType> types;
  if (text.empty()) return types;
  std::vector<bool> taken(128);
  for (const std::string_view item : split_list(text)) {
    const auto type = parse_rtp_payload_type(item);
    if (!type || taken[type->type]) return std::nullopt;
    taken[type->type] = true;
    types.push_back(*type);
  }
  return types;
}

std::string_view codec_name(al_codec codec) {
  const auto known = std::find_if(kCodecs.begin(), kCodecs.end(),
                                  [&](const CodecName& candidate) { return candidate.codec == codec; });
  return known == kCodecs.end() ? "unknown" : known->name;
}

std::optional<std::vector<std::string>> parse_interfaces(std::string_view text) {
  std::vector<std::string> interfaces;
  for (const std::string_view item : split_list(text)) {
    if (!is_interface_pattern(item) || interfaces.size() == kMostInterfaces) return std::nullopt;
    interfaces.emplace_back(item);
  }
  const bool has_auto = std::find(interfaces.begin(), interfaces.end(), "auto") != interfaces.end();
  if (has_auto && interfaces.size() > 1) return std::nullopt;
  return interfaces;
}

std::optional<std::vector<double>> parse_buckets(std::string_view text) {
  std::vector<double> buckets;
  for (const std::string_view item : split_list(text)) {
    const auto bound = parse_seconds(item);
    const double floor = buckets.empty() ? 0 : buckets.back();
    if (!bound || *bound <= floor || buckets.size() == kMostBuckets) return std::nullopt;
    buckets.push_back(*bound);
  }
  return buckets;
}

const std::vector<double>& default_latency_buckets() {
  static const std::vector<double> buckets = {0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05,
                                              0.075, 0.1,   0.125, 0.15,  0.2,    0.25, 0.3,   0.4,  0.5,  0.6,  0.8,
                                              1,     1.25,  1.5,   2,     2.5,    3,    4,     5,    6,    8,    10};
  return buckets;
}

std::string print_buckets(const std::vector<double>& buckets) {
  std::string text;
  for (const double bound : buckets) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bound).ptr;
    if (!text.empty()) text += ',';
    text.append(digits.data(), end);
  }
  return text;
}

bool is_dns_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  const auto edge = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return edge(text.front()) && edge(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return edge(c) || c == '-' || c == '.'; });
}

bool is_bus_url(std::string_view text) {
  const auto plausible = [](std::string_view url) {
    const auto rest = url.starts_with("nats://") ? url.substr(7) : url.starts_with("tls://") ? url.substr(6) : "";
    return !rest.empty() && std::all_of(rest.begin(), rest.end(), [](char c) { return c > ' ' && c < 0x7f; });
  };
  const auto urls = split_list(text);
  return std::all_of(urls.begin(), urls.end(), plausible);
}

std::string shown(std::string_view text) {
  constexpr std::size_t most = 120;
  constexpr std::string_view hex = "0123456789abcdef";
  std::string result = "'";
  for (const char c : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      result += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      result += {'\\', 'x', hex[byte >> 4], hex[byte & 15]};
    } else {
      result += c;
    }
  }
  return result + (text.size() > most ? "…'" : "'");
}

}  // namespace audio_latency
