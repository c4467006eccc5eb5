// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration file and as a names file: settings, names or a sentence, never a crash.
#include "identity_static.hpp"
#include "options_load.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace audio_latency;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto settings = parse_settings(text, "fuzz"); settings.ok()) {
    Options options;
    for (const Setting& setting : *settings) {
      for (const Variable& variable : variables()) {
        if (key_name(variable) == setting.name && variable.parse(setting.value, options)) (void)variable.print(options);
      }
    }
  }
  if (auto names = parse_names(text, "fuzz"); names.ok()) {
    StaticResolver resolver(*names);
    (void)resolver.place(Observation{});
  }
  return 0;
}
