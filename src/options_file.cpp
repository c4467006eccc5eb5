// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/yaml.h>

#include <set>

#include "file_text.hpp"
#include "options_load.hpp"
#include "options_parse.hpp"

namespace audio_latency {
namespace {

constexpr std::size_t kMostBytes = 1 << 20;

std::string place(const std::string& file, const YAML::Mark& mark) {
  return mark.line < 0 ? file : file + ":" + std::to_string(mark.line + 1);
}

Result<std::string> value_of(const YAML::Node& node, const std::string& key, const std::string& where) {
  if (node.IsNull()) return std::string();
  if (node.IsScalar()) return node.Scalar();
  const Error wrong{where + ": the value of " + shown(key) + " must be a scalar or a list of scalars."};
  if (!node.IsSequence()) return wrong;
  std::string joined;
  for (const auto& item : node) {
    if (!item.IsScalar()) return wrong;
    if (!joined.empty()) joined += ',';
    joined += item.Scalar();
  }
  return joined;
}

Result<std::vector<Setting>> settings_of(const YAML::Node& root, const std::string& file) {
  std::vector<Setting> settings;
  if (!root.IsDefined() || root.IsNull()) return settings;
  if (!root.IsMap()) return Error{file + " must be a YAML map of settings, for example \"audio_ports: 5004/rtp\"."};
  std::set<std::string> seen;
  for (const auto& entry : root) {
    const std::string where = place(file, entry.first.Mark());
    if (!entry.first.IsScalar()) return Error{where + ": a key must be a name, not a list or map."};
    const std::string key = entry.first.Scalar();
    if (!seen.insert(key).second) return Error{where + ": the key " + shown(key) + " stands there twice."};
    auto value = value_of(entry.second, key, where);
    if (!value) return value.error();
    settings.push_back({key, std::move(value).value(), where});
  }
  return settings;
}

}  // namespace

Result<std::vector<Setting>> parse_settings(const std::string& text, const std::string& name) {
  try {
    return settings_of(YAML::Load(text), name);
  } catch (const YAML::Exception& failure) {
    return Error{place(name, failure.mark) + " is no valid YAML: " + failure.msg + "."};
  }
}

Result<std::vector<Setting>> read_settings_file(const std::string& path) {
  auto text = read_text_file(path, kMostBytes);
  if (!text) return Error{"The configuration file " + text.error().message};
  return parse_settings(*text, path);
}

}  // namespace audio_latency
