// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "audio_latency/options.hpp"

namespace audio_latency {

// One variable of docs/CONFIGURATION.md. Environment, YAML file, flags, `config` and the documentation's check are all
// driven by the table of these.
struct Variable {
  std::string_view name;      // "AUDIO_PORTS"; the flag is --audio-ports, the YAML key audio_ports
  std::string_view fallback;  // the default, as `print` writes it or as a rule ("MAX_LATENCY_MS + 2 s")
  std::string_view allowed;   // completes the sentence "allowed is …"
  std::string_view meaning;
  bool reloadable;  // a change is taken over on SIGHUP; the others need a restart
  // False: the text is no allowed value, and the options are as they were.
  bool (*parse)(std::string_view text, Options& options);
  std::string (*print)(const Options& options);
};

std::span<const Variable> variables();
const Variable* find_variable(std::string_view name);  // nullptr: unknown

std::string flag_name(const Variable& variable);  // "--audio-ports"
std::string key_name(const Variable& variable);   // "audio_ports"

}  // namespace audio_latency
