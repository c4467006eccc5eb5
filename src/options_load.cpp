// SPDX-License-Identifier: Apache-2.0
#include "options_load.hpp"

#include <algorithm>
#include <array>

#include "options_parse.hpp"

namespace audio_latency {
namespace {

constexpr std::string_view kOldRingName = "PERF_BUFFER_SIZE";
constexpr std::string_view kRingName = "RING_BUFFER_SIZE";

std::size_t index_of(const Variable& variable) {
  return static_cast<std::size_t>(&variable - variables().data());
}

std::string known_keys() {
  std::string keys;
  for (const Variable& variable : variables()) keys += (keys.empty() ? "" : ", ") + key_name(variable);
  return keys;
}

// ", where 'item' is wrong" of a list: the first item with which it is no longer allowed.
std::string wrong_item(const Variable& variable, std::string_view list) {
  if (variable.allowed.find("comma-separated") == std::string_view::npos) return "";
  std::vector<std::size_t> ends;
  for (std::size_t comma = list.find(','); comma != std::string_view::npos; comma = list.find(',', comma + 1))
    ends.push_back(comma);
  if (ends.empty()) return "";
  const auto first_bad = std::partition_point(ends.begin(), ends.end(), [&](std::size_t end) {
    Options scratch;
    return variable.parse(list.substr(0, end), scratch);
  });
  const std::size_t begin = first_bad == ends.begin() ? 0 : *std::prev(first_bad) + 1;
  const std::size_t end = first_bad == ends.end() ? list.size() : *first_bad;
  return ", where " + shown(list.substr(begin, end - begin)) + " is wrong";
}

std::string bad_value(const Variable& variable, const Setting& setting) {
  return std::string(variable.name) + " is " + shown(setting.value) + " (" + setting.where + ")" +
         wrong_item(variable, setting.value) + ": allowed is " + std::string(variable.allowed) + ".";
}

// Applies the settings of one source on top of what weaker sources gave.
class Loader {
 public:
  explicit Loader(Loaded& loaded) : loaded_(loaded) { loaded_.origins.assign(variables().size(), Origin::fallback); }

  void apply(std::vector<Setting> settings, Origin origin) {
    replace_old_name(settings);
    for (const Setting& setting : settings) {
      const Variable* variable = find_variable(setting.name);
      if (variable->parse(setting.value, loaded_.options)) {
        loaded_.origins[index_of(*variable)] = origin;
      } else {
        loaded_.errors.push_back(bad_value(*variable, setting));
      }
    }
  }

 private:
  void replace_old_name(std::vector<Setting>& settings) {
    const auto named = [&](std::string_view name) {
      return std::find_if(settings.begin(), settings.end(), [&](const Setting& each) { return each.name == name; });
    };
    const auto old = named(kOldRingName);
    if (old == settings.end()) return;
    std::string warning = "PERF_BUFFER_SIZE (" + old->where + ") is the old name of RING_BUFFER_SIZE";
    if (named(kRingName) == settings.end()) {
      old->name = kRingName;
    } else {
      warning += ", which is set too and wins";
      settings.erase(old);
    }
    loaded_.warnings.push_back(warning + ".");
  }

  Loaded& loaded_;
};

std::vector<Setting> file_settings(const std::string& path, std::vector<std::string>& errors) {
  if (path.empty()) return {};
  auto settings = read_settings_file(path);
  if (!settings) {
    errors.push_back(settings.error().message);
    return {};
  }
  std::vector<Setting> known;
  for (Setting& setting : *settings) {
    const auto fits = [&](const Variable& variable) { return key_name(variable) == setting.name; };
    const auto variable = std::find_if(variables().begin(), variables().end(), fits);
    if (variable != variables().end()) {
      setting.name = variable->name;
    } else if (setting.name == "perf_buffer_size") {
      setting.name = kOldRingName;
    } else {
      errors.push_back(setting.where + ": the key " + shown(setting.name) + " is unknown; allowed are " + known_keys() +
                       ".");
      continue;
    }
    known.push_back(std::move(setting));
  }
  return known;
}

std::vector<Setting> environment_settings(const std::function<const char*(const char*)>& environment) {
  std::vector<Setting> settings;
  const auto take = [&](const std::string& name) {
    const char* value = environment ? environment(name.c_str()) : nullptr;
    if (value != nullptr) settings.push_back({name, value, "environment"});
  };
  for (const Variable& variable : variables()) take(std::string(variable.name));
  take(std::string(kOldRingName));
  return settings;
}

// Defaults that depend on other values, and values that contradict each other.
void derive(Loaded& loaded) {
  Options& options = loaded.options;
  const auto defaulted = [&](std::string_view name) {
    return loaded.origins[index_of(*find_variable(name))] == Origin::fallback;
  };
  const std::uint32_t latency_seconds = (options.max_latency_ms + 999) / 1000;
  if (defaulted("SIGNATURE_TTL_SECONDS")) options.signature_ttl_seconds = latency_seconds + 2;
  if (defaulted("SETTLE_MS")) options.settle_ms = options.bus_url.empty() ? 100 : 300;
  if (options.direction_defaulted && options.interfaces == std::vector<std::string>{"auto"}) {
    options.direction = DirectionOption::both;
  }
  if (options.signature_ttl_seconds < latency_seconds) {
    loaded.errors.push_back("SIGNATURE_TTL_SECONDS is '" + std::to_string(options.signature_ttl_seconds) +
                            "': allowed is at least MAX_LATENCY_MS, which is " +
                            std::to_string(options.max_latency_ms) + " ms.");
  }
}

}  // namespace

std::string_view to_string(Origin origin) {
  constexpr std::array<std::string_view, 4> names = {"default", "file", "env", "flag"};
  return names[static_cast<std::size_t>(origin)];
}

Loaded load_options(const Sources& sources) {
  Loaded loaded;
  Loader loader(loaded);
  loader.apply(file_settings(sources.file, loaded.errors), Origin::file);
  loader.apply(environment_settings(sources.environment), Origin::environment);
  loader.apply(sources.flags, Origin::flag);
  derive(loaded);
  return loaded;
}

}  // namespace audio_latency
