// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "audio_latency/result.hpp"

namespace audio_latency {

// The whole of a regular file of at most `most` bytes. The error continues a sentence: "'PATH' can't be read: …".
Result<std::string> read_text_file(const std::string& path, std::size_t most);

}  // namespace audio_latency
