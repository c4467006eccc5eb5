// SPDX-License-Identifier: Apache-2.0
#include "text_coding.hpp"

#include <algorithm>

namespace audio_latency::examples {
namespace {

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kHex = "0123456789abcdef";

// Digits of `width` bits each.
std::string digits_of(std::span<const std::uint8_t> bytes, std::string_view alphabet, unsigned width) {
  std::string text;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (held += 8; held >= width; held -= width) {
      text += alphabet[bits >> (held - width) & ((1U << width) - 1)];
    }
  }
  if (held > 0) {
    text += alphabet[bits << (width - held) & ((1U << width) - 1)];
  }
  return text;
}

}  // namespace

std::string to_text(TextForm form, std::span<const std::uint8_t> bytes) {
  if (form == TextForm::hex) {
    return digits_of(bytes, kHex, 4);
  }
  std::string text = digits_of(bytes, kBase64, 6);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

std::vector<std::uint8_t> from_text(TextForm form, std::string_view text) {
  const std::string_view alphabet = form == TextForm::hex ? kHex : kBase64;
  const unsigned width = form == TextForm::hex ? 4 : 6;
  std::vector<std::uint8_t> bytes;
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (const char character : text) {
    const std::size_t digit = alphabet.find(character);
    if (digit == std::string_view::npos) {
      continue;
    }
    bits = bits << width | static_cast<std::uint32_t>(digit);
    held += width;
    if (held >= 8) {
      held -= 8;
      bytes.push_back(static_cast<std::uint8_t>(bits >> held));
    }
  }
  return bytes;
}

void ValueReader::feed(std::span<const std::uint8_t> text, std::vector<std::uint8_t>& audio) {
  text_.append(text.begin(), text.end());
  for (;;) {
    const std::size_t start = text_.find(start_);
    if (start == std::string::npos) {
      text_.erase(0, text_.size() - std::min(text_.size(), start_.size()));
      return;
    }
    const std::size_t end = text_.find('"', start + start_.size());
    if (end == std::string::npos) {
      text_.erase(0, start);
      return;
    }
    const auto bytes = from_text(form_, std::string_view(text_).substr(0, end).substr(start + start_.size()));
    audio.insert(audio.end(), bytes.begin(), bytes.end());
    text_.erase(0, end + 1);
  }
}

}  // namespace audio_latency::examples
