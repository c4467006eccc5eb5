// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "audio_latency/options.hpp"
#include "audio_latency/result.hpp"
#include "options_registry.hpp"

namespace audio_latency {

enum class Origin : std::uint8_t { fallback, file, environment, flag };
std::string_view to_string(Origin origin);  // "default", "file", "env", "flag"

// One value that somebody gave.
struct Setting {
  std::string name;  // of the variable, or an old name of it
  std::string value;
  std::string where;  // for messages: "environment", "flag --audio-ports", "/etc/al.yaml:3"
};

// Where values come from. `environment` is getenv, or a stand-in in tests.
struct Sources {
  std::vector<Setting> flags;
  std::function<const char*(const char*)> environment;
  std::string file;  // YAML; empty: none
};

struct Loaded {
  Options options;
  std::vector<Origin> origins;        // one for each of variables()
  std::vector<std::string> warnings;  // sentences
  std::vector<std::string> errors;    // sentences; where there are any, `options` must not be used
};

// Flag over environment over file over default; reports every bad value, not only the first.
Loaded load_options(const Sources& sources);

// The settings of a YAML file: a flat map of variable names in lower case to scalars or lists of scalars. Names are not
// checked here.
Result<std::vector<Setting>> read_settings_file(const std::string& path);
// The same from text; `name` is what messages call it.
Result<std::vector<Setting>> parse_settings(const std::string& text, const std::string& name);

}  // namespace audio_latency
