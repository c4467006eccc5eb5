// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <type_traits>

#include "audio_latency/options.hpp"
#include "options_parse.hpp"

// Parsers and printers of single members of Options: what the table in options_registry.cpp is made of.
namespace audio_latency::fields {

// Parser and printer of a number between Least and Most.
template <auto Member, auto Least, auto Most>
bool parse_numeric(std::string_view text, Options& options) {
  using Number = std::remove_reference_t<decltype(options.*Member)>;
  const auto value = parse_number<Number>(text, Least, Most);
  if (value) options.*Member = *value;
  return value.has_value();
}
template <auto Member>
std::string print_numeric(const Options& options) {
  return std::to_string(options.*Member);
}

// Parser and printer of one name out of a list.
template <typename T>
struct Named {
  std::string_view name;
  T value;
};
template <auto Member, const auto& Names>
bool parse_named(std::string_view text, Options& options) {
  const auto known = std::find_if(Names.begin(), Names.end(), [&](const auto& entry) { return entry.name == text; });
  if (known != Names.end()) options.*Member = known->value;
  return known != Names.end();
}
template <auto Member, const auto& Names>
std::string print_named(const Options& options) {
  const auto known =
      std::find_if(Names.begin(), Names.end(), [&](const auto& entry) { return entry.value == options.*Member; });
  return known == Names.end() ? "unknown" : std::string(known->name);
}

constexpr std::array<Named<DirectionOption>, 3> kDirections = {
    {{"ingress", DirectionOption::ingress}, {"egress", DirectionOption::egress}, {"both", DirectionOption::both}}};
constexpr std::array<Named<AttachMode>, 3> kAttachModes = {
    {{"auto", AttachMode::automatic}, {"tcx", AttachMode::tcx}, {"clsact", AttachMode::clsact}}};
constexpr std::array<Named<LogLevel>, 5> kLogLevels = {{{"trace", LogLevel::trace},
                                                        {"debug", LogLevel::debug},
                                                        {"info", LogLevel::info},
                                                        {"warn", LogLevel::warn},
                                                        {"error", LogLevel::error}}};
constexpr std::array<Named<LogFormat>, 3> kLogFormats = {
    {{"auto", LogFormat::automatic}, {"json", LogFormat::json}, {"text", LogFormat::text}}};
constexpr std::array<Named<Tristate>, 3> kTristates = {
    {{"auto", Tristate::automatic}, {"true", Tristate::yes}, {"false", Tristate::no}}};
constexpr std::array<Named<Tristate>, 3> kAutoSwitches = {
    {{"auto", Tristate::automatic}, {"on", Tristate::yes}, {"off", Tristate::no}}};
constexpr std::array<Named<bool>, 2> kSwitches = {{{"on", true}, {"off", false}}};
constexpr std::array<Named<al_algorithm>, 3> kAlgorithms = {
    {{"xxhash", AL_XXHASH}, {"rolling_hash", AL_ROLLING_HASH}, {"crc32", AL_CRC32}}};

constexpr std::array<Named<bool>, 2> kBooleans = {{{"true", true}, {"false", false}}};
constexpr std::array<Named<K8sScope>, 3> kScopes = {
    {{"auto", K8sScope::automatic}, {"node", K8sScope::node}, {"cluster", K8sScope::cluster}}};
constexpr std::array<Named<ProcessIdentity>, 3> kProcessIdentities = {
    {{"auto", ProcessIdentity::automatic}, {"on", ProcessIdentity::on}, {"off", ProcessIdentity::off}}};
constexpr std::array<Named<MetricIdentity>, 2> kMetricIdentities = {
    {{"pod", MetricIdentity::pod}, {"workload", MetricIdentity::workload}}};

template <auto Member>
std::string print_text(const Options& options) {
  return options.*Member;
}

// Parser of a path, or of nothing.
template <auto Member>
bool parse_path(std::string_view text, Options& options) {
  if (text.size() > 4096 || text.find('\0') != std::string_view::npos) return false;
  options.*Member = text;
  return true;
}

bool parse_interface(std::string_view text, Options& options);
std::string print_interface(const Options& options);
bool parse_direction(std::string_view text, Options& options);
bool parse_address(std::string_view text, Options& options);
bool parse_audio(std::string_view text, Options& options);
std::string print_audio(const Options& options);
bool parse_rtp_types(std::string_view text, Options& options);
std::string print_rtp_types(const Options& options);
bool parse_window(std::string_view text, Options& options);
bool parse_tunnels(std::string_view text, Options& options);
std::string print_tunnels(const Options& options);
bool parse_ring(std::string_view text, Options& options);
bool parse_payload_ring(std::string_view text, Options& options);
bool parse_bucket_list(std::string_view text, Options& options);
std::string print_bucket_list(const Options& options);
bool parse_node_name(std::string_view text, Options& options);
bool parse_api_url(std::string_view text, Options& options);
bool parse_account_dir(std::string_view text, Options& options);
bool parse_bus_url(std::string_view text, Options& options);
bool parse_bus_subject(std::string_view text, Options& options);
bool parse_bus_user(std::string_view text, Options& options);
bool parse_bus_nkey(std::string_view text, Options& options);
bool parse_bus_owners(std::string_view text, Options& options);
std::string print_bus_owners(const Options& options);
bool parse_clock_offset(std::string_view text, Options& options);

}  // namespace audio_latency::fields
