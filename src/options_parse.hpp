// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audio_latency/options.hpp"

namespace audio_latency {

// Text to value, for the variables of options_registry. Empty optional: not allowed; the caller says what is.

template <std::unsigned_integral T>
std::optional<T> parse_number(std::string_view text, T least, T most) {
  T value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size() || value < least || value > most) return std::nullopt;
  return value;
}

// "a, b,c" to its items without the blanks around them; one empty item where the text is empty.
std::vector<std::string_view> split_list(std::string_view text);

// 1 to 65535, at most `most` of them, none twice.
std::optional<std::vector<std::uint16_t>> parse_ports(std::string_view text, std::size_t most);
// "8080,5004/rtp"; "" and "all": no restriction.
std::optional<std::vector<AudioPort>> parse_audio_ports(std::string_view text);
std::string_view format_name(al_format format);

// "96:pcm16be,111:compressed": types from 0 to 127, none twice.
std::optional<std::vector<RtpPayloadType>> parse_rtp_payload_types(std::string_view text);
std::string_view codec_name(al_codec codec);

// Names and globs of network interfaces, or "auto" alone.
std::optional<std::vector<std::string>> parse_interfaces(std::string_view text);

// Rising positive seconds, at most 100.
std::optional<std::vector<double>> parse_buckets(std::string_view text);
const std::vector<double>& default_latency_buckets();  // seconds
std::string print_buckets(const std::vector<double>& buckets);

bool is_dns_name(std::string_view text);  // lower case, at most 253 characters: RFC 1123
bool is_bus_url(std::string_view text);   // nats:// or tls://, several separated by commas

// For messages: control characters and quotes escaped, at most 120 bytes of it.
std::string shown(std::string_view text);

}  // namespace audio_latency
