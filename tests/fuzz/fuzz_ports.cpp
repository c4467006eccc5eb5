// SPDX-License-Identifier: Apache-2.0
// Any text as the value of every variable: what is taken must print to text that is taken again and means the same.
#include <cstdlib>

#include "options_parse.hpp"
#include "options_registry.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace audio_latency;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Variable& variable : variables()) {
    Options options;
    if (!variable.parse(text, options)) continue;
    const std::string printed = variable.print(options);
    Options again;
    if (!variable.parse(printed, again) || variable.print(again) != printed) std::abort();
  }
  (void)shown(text);
  return 0;
}
