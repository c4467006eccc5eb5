// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace audio_latency::examples {

// RFC 3174. Only for the WebSocket handshake, which asks for it; it protects nothing.
std::array<std::uint8_t, 20> sha1(std::string_view message);

}  // namespace audio_latency::examples
