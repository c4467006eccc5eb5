// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace audio_latency::examples {

enum class TextForm : std::uint8_t { base64, hex };

std::string to_text(TextForm form, std::span<const std::uint8_t> bytes);
// RFC 4648. Other characters are passed over.
std::vector<std::uint8_t> from_text(TextForm form, std::string_view text);

// Takes the values of one key out of JSON text that comes in any pieces, and decodes them. No parser: it looks for
// `"KEY":"` and the next quote, which is enough for values that need no escapes.
class ValueReader {
 public:
  ValueReader(const std::string& key, TextForm form) : start_("\"" + key + "\":\""), form_(form) {}
  void feed(std::span<const std::uint8_t> text, std::vector<std::uint8_t>& audio);

 private:
  std::string start_;
  TextForm form_;
  std::string text_;  // what may hold the beginning of a value, or a value without its end
};

}  // namespace audio_latency::examples
