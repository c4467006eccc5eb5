// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "socket.hpp"

namespace audio_latency::examples {

// Reads to the empty line that ends an HTTP/1.1 head, for at most 10 s; what follows it goes to `rest`. The head ends
// with the line break of its last field.
Result<std::string> read_http_head(const Fd& socket, std::vector<std::uint8_t>& rest);
// Value of a header field; "" where it is missing.
std::string http_field(const std::string& head, const std::string& name);

Status send_text(const Fd& socket, const std::string& text);

// Takes bodies in chunked coding (RFC 9112 §7.1) apart.
class ChunkReader {
 public:
  void feed(std::span<const std::uint8_t> bytes, std::vector<std::uint8_t>& body);

 private:
  std::string line_;           // a chunk size that is not complete yet
  std::size_t remaining_ = 0;  // of the chunk, its line break included
};

}  // namespace audio_latency::examples
