// SPDX-License-Identifier: Apache-2.0
#include "file_text.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "options_parse.hpp"

namespace audio_latency {

Result<std::string> read_text_file(const std::string& path, std::size_t most) {
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (std::filesystem::is_directory(status)) return Error{shown(path) + " is a directory."};
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{shown(path) + " can't be opened: " + std::strerror(errno) + "."};
  std::string text(most + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Error{shown(path) + " can't be read: " + std::strerror(errno) + "."};
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > most) return Error{shown(path) + " is longer than " + std::to_string(most) + " bytes."};
  return text;
}

}  // namespace audio_latency
