// SPDX-License-Identifier: Apache-2.0
#include "agent_reload.hpp"

#include "options_parse.hpp"

namespace audio_latency {

ReloadPlan plan_reload(const Options& current, const Loaded& fresh) {
  ReloadPlan plan;
  plan.options = current;
  for (const std::string& warning : fresh.warnings) plan.notes.push_back({LogLevel::warn, warning});
  for (const std::string& error : fresh.errors) {
    plan.notes.push_back({LogLevel::error, error + " Nothing was changed."});
  }
  if (!fresh.errors.empty()) return plan;
  plan.valid = true;
  for (const Variable& variable : variables()) {
    const std::string before = variable.print(current);
    const std::string after = variable.print(fresh.options);
    if (before == after) continue;
    const std::string change = std::string(variable.name) + " changed from " + shown(before) + " to " + shown(after);
    if (variable.reloadable && variable.parse(after, plan.options)) {
      plan.notes.push_back({LogLevel::info, change + "."});
    } else {
      plan.notes.push_back({LogLevel::warn, change + ": this takes effect after a restart."});
    }
  }
  plan.options.interfaces_defaulted = fresh.options.interfaces_defaulted;
  plan.options.direction_defaulted = fresh.options.direction_defaulted;
  if (plan.notes.empty()) plan.notes.push_back({LogLevel::info, "The configuration was read again: no change."});
  return plan;
}

}  // namespace audio_latency
