// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

#include "file_text.hpp"
#include "identity_static.hpp"
#include "options_parse.hpp"

namespace audio_latency {
namespace {

constexpr std::size_t kMostBytes = 4 << 20;
constexpr std::size_t kLongestName = 253;
constexpr std::size_t kMostPrefixes = 256;  // each is compared with each observation's addresses
constexpr std::string_view kAllowed =
    "; allowed are an address (10.0.0.1, 2001:db8::1), an address with port (10.0.0.1:5004, [2001:db8::1]:5004) or a "
    "prefix (10.1.0.0/16), each with the value name or namespace/name";

std::optional<StaticName> parse_prefix(std::string_view text) {
  const auto slash = text.find('/');
  const auto ip = IpAddress::parse(text.substr(0, slash));
  if (!ip) return std::nullopt;
  const int most = ip->is_ipv4() ? 32 : 128;
  const auto bits = parse_number<unsigned>(text.substr(slash + 1), 0, static_cast<unsigned>(most));
  if (!bits) return std::nullopt;
  return StaticName{*ip, static_cast<int>(*bits) + 128 - most, 0, {}, "-"};
}

std::optional<StaticName> parse_address(std::string_view text) {
  if (text.find('/') != std::string_view::npos) return parse_prefix(text);
  if (const auto ip = IpAddress::parse(text)) return StaticName{*ip, 128, 0, {}, "-"};
  const auto address = SocketAddress::parse(text);
  if (!address || address->port == 0) return std::nullopt;
  return StaticName{address->ip, 128, address->port, {}, "-"};
}

bool is_label(std::string_view text) {
  const auto printable = [](char c) { return static_cast<unsigned char>(c) > ' ' && c != 0x7f && c != '/'; };
  return !text.empty() && text.size() <= kLongestName && std::all_of(text.begin(), text.end(), printable);
}

Result<StaticName> parse_entry(const YAML::Node& key, const YAML::Node& value, const std::string& file) {
  const std::string where = file + ":" + std::to_string(key.Mark().line + 1) + ": ";
  if (!key.IsScalar() || !value.IsScalar()) return Error{where + "a name is no scalar" + std::string(kAllowed) + "."};
  auto name = parse_address(key.Scalar());
  if (!name) return Error{where + shown(key.Scalar()) + " is no address" + std::string(kAllowed) + "."};
  const std::string& text = value.Scalar();
  const auto slash = text.find('/');
  name->name = slash == std::string::npos ? text : text.substr(slash + 1);
  if (slash != std::string::npos) name->namespace_name = text.substr(0, slash);
  if (!is_label(name->name) || !is_label(name->namespace_name)) {
    return Error{where + shown(text) + " is no name" + std::string(kAllowed) + "."};
  }
  return std::move(name).value();
}

Result<std::vector<StaticName>> names_of(const YAML::Node& root, const std::string& file) {
  std::vector<StaticName> names;
  if (!root.IsDefined() || root.IsNull()) return names;
  if (!root.IsMap() || root.size() != 1 || !root["names"]) {
    return Error{file + " must be a YAML map with the one key 'names'" + std::string(kAllowed) + "."};
  }
  const YAML::Node entries = root["names"];
  if (entries.IsNull()) return names;
  if (!entries.IsMap()) return Error{file + ": 'names' must be a map" + std::string(kAllowed) + "."};
  std::set<std::tuple<IpAddress, int, std::uint16_t>> taken;
  std::size_t prefixes = 0;
  for (const auto& entry : entries) {
    auto name = parse_entry(entry.first, entry.second, file);
    if (!name) return name.error();
    const std::string where = file + ":" + std::to_string(entry.first.Mark().line + 1) + ": ";
    if (!taken.insert({name->ip, name->prefix_bits, name->port}).second) {
      return Error{where + shown(entry.first.Scalar()) + " has a name already."};
    }
    if (name->prefix_bits < 128 && ++prefixes > kMostPrefixes) {
      return Error{where + "more than " + std::to_string(kMostPrefixes) + " prefixes; list addresses instead."};
    }
    names.push_back(std::move(name).value());
  }
  return names;
}

}  // namespace

Result<std::vector<StaticName>> parse_names(const std::string& text, const std::string& file) {
  try {
    return names_of(YAML::Load(text), file);
  } catch (const YAML::Exception& failure) {
    return Error{file + " is no valid YAML: " + failure.msg + "."};
  }
}

Result<std::vector<StaticName>> read_names_file(const std::string& path) {
  if (path.empty()) return std::vector<StaticName>{};
  auto text = read_text_file(path, kMostBytes);
  if (!text) return Error{"The names file " + text.error().message};
  return parse_names(*text, path);
}

}  // namespace audio_latency
