// SPDX-License-Identifier: Apache-2.0
// What the framings of the examples leave of a whole stream: written a second time, apart from the decoders under test
// and from the examples, so that neither is measured by itself.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "support/truth_flow.hpp"

namespace audio_latency::truth {
namespace {

// Copies parts of a stream.
class Parts {
 public:
  explicit Parts(const Audio& from) : from_(from) { to_.packet_times = from.packet_times; }

  std::size_t size() const { return from_.bytes.size(); }
  std::uint8_t operator[](std::size_t at) const { return at < size() ? from_.bytes[at] : std::uint8_t{0}; }
  std::uint64_t number(std::size_t at, std::size_t bytes) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i) value = value << 8 | (*this)[at + i];
    return value;
  }
  std::size_t find(std::string_view word, std::size_t from = 0) const {
    const auto begin = from_.bytes.begin() + static_cast<std::ptrdiff_t>(std::min(from, size()));
    return static_cast<std::size_t>(std::search(begin, from_.bytes.end(), word.begin(), word.end()) -
                                    from_.bytes.begin());
  }

  void take(std::size_t at, std::uint64_t length, std::size_t mask_at = SIZE_MAX) {
    for (std::size_t i = 0; i < length && at + i < size(); ++i)
      put(mask_at == SIZE_MAX ? from_.bytes[at + i] : from_.bytes[at + i] ^ from_.bytes[mask_at + i % 4], at + i);
  }
  void put(unsigned byte, std::size_t came_with) {
    to_.bytes.push_back(static_cast<std::uint8_t>(byte));
    to_.packet_of_byte.push_back(from_.packet_of_byte[came_with]);
  }
  Audio taken() { return std::move(to_); }

 private:
  const Audio& from_;
  Audio to_;
};

// Behind an HTTP head, or whatever ends with that word.
Audio behind(const Audio& stream, std::string_view end, std::size_t more = 0) {
  Parts parts(stream);
  parts.take(parts.find(end) + end.size() + more, parts.size());
  return parts.taken();
}

// Payload of WebSocket data frames (RFC 6455, 5.2).
Audio unframed(const Audio& stream) {
  Parts parts(stream);
  for (std::size_t at = 0; at + 2 <= parts.size();) {
    const std::size_t code = parts[at + 1] & 0x7FU;
    const std::size_t length_bytes = code == 126 ? 2 : code == 127 ? 8 : 0;
    const bool masked = (parts[at + 1] & 0x80) != 0;
    const std::size_t header = 2 + length_bytes + (masked ? 4 : 0);
    if (at + header > parts.size()) break;
    const std::uint64_t length = length_bytes == 0 ? code : parts.number(at + 2, length_bytes);
    if ((parts[at] & 0x0F) < 8) parts.take(at + header, length, masked ? at + header - 4 : SIZE_MAX);
    at += header + length;
  }
  return parts.taken();
}

Audio unchunked(const Audio& stream) {
  Parts parts(stream);
  for (std::size_t at = 0; at < parts.size();) {
    const std::size_t line = parts.find("\r\n", at);
    std::string digits;
    for (; at < line; ++at) digits += static_cast<char>(parts[at]);
    const std::size_t length = std::strtoul(digits.c_str(), nullptr, 16);
    parts.take(line + 2, length);
    at = line + 2 + length + 2;
  }
  return parts.taken();
}

// The values of these keys, text of `width` bits a character.
Audio values(const Audio& stream, std::initializer_list<std::string_view> keys, std::string_view alphabet,
             unsigned width) {
  Parts parts(stream);
  for (std::size_t at = 0; at < parts.size();) {
    std::size_t start = parts.size();
    for (const std::string_view key : keys) {
      const std::size_t found = parts.find(key, at);
      if (found < parts.size()) start = std::min(start, found + key.size());
    }
    const std::size_t end = parts.find("\"", start);
    unsigned bits = 0;
    unsigned held = 0;
    for (at = start; at < end; ++at) {
      const std::size_t digit = alphabet.find(static_cast<char>(parts[at]));
      if (digit == std::string_view::npos) break;  // padding
      bits = bits << width | static_cast<unsigned>(digit);
      held += width;
      if (held < 8) continue;
      held -= 8;
      parts.put(bits >> held, at);
    }
    at = end;
  }
  return parts.taken();
}

Audio audiosocket(const Audio& stream) {
  Parts parts(stream);
  for (std::size_t at = 0; at + 3 <= parts.size();) {
    const std::uint64_t length = parts.number(at + 1, 2);
    if (parts[at] >= 0x10 && parts[at] <= 0x18) parts.take(at + 3, length);
    at += 3 + length;
  }
  return parts.taken();
}

Audio http2_data(const Audio& stream) {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  Parts parts(stream);
  for (std::size_t at = parts.find(kPreface) == 0 ? kPreface.size() : 0; at + 9 <= parts.size();) {
    const std::uint64_t length = parts.number(at, 3);
    if (parts[at + 3] == 0) parts.take(at + 9, length);
    at += 9 + length;
  }
  return parts.taken();
}

// gRPC messages whose only field holds bytes.
Audio grpc_fields(const Audio& stream) {
  Parts parts(stream);
  for (std::size_t at = 0; at + 5 <= parts.size();) {
    const std::uint64_t length = parts.number(at + 1, 4);
    std::size_t field = at + 6;  // behind the field's number
    while ((parts[field] & 0x80) != 0) ++field;
    parts.take(field + 1, at + 5 + length - (field + 1));
    at += 5 + length;
  }
  return parts.taken();
}

}  // namespace

Audio unwrap(Audio stream, const std::string& framing) {
  constexpr std::string_view kHead = "\r\n\r\n";
  constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (framing == "websocket") return unframed(behind(stream, kHead));
  if (framing == "twilio") return values(unframed(behind(stream, kHead)), {R"("payload":")"}, kBase64, 6);
  if (framing == "openai") return values(unframed(behind(stream, kHead)), {R"("audio":")", R"("delta":")"}, kBase64, 6);
  if (framing == "sse") return values(unchunked(behind(stream, kHead)), {R"("audio":")"}, "0123456789abcdef", 4);
  if (framing == "http") return behind(unchunked(behind(stream, kHead)), "data", 4);
  if (framing == "audiosocket") return audiosocket(stream);
  if (framing == "grpc") return grpc_fields(http2_data(stream));
  return stream;
}

}  // namespace audio_latency::truth
