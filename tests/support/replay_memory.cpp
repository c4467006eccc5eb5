// SPDX-License-Identifier: Apache-2.0
#include "support/replay_memory.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace audio_latency::test {
namespace {

std::unique_ptr<CaptureFile> opened(const std::string& bytes, const std::string& name) {
  FileHandle file(std::tmpfile());
  if (!file || std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) std::abort();
  std::rewind(file.get());
  auto capture = CaptureFile::open(std::move(file), name);
  if (capture) return std::move(*capture);
  std::fprintf(stderr, "%s\n", capture.error().message.c_str());
  std::abort();
}

}  // namespace

std::unique_ptr<ReplayCapture> replay_of(const std::vector<std::string>& contents, bool stateless,
                                         const Options& options) {
  std::vector<std::unique_ptr<CaptureFile>> files;
  for (const std::string& bytes : contents) files.push_back(opened(bytes, "file" + std::to_string(files.size())));
  return std::make_unique<ReplayCapture>(options, std::move(files), stateless);
}

}  // namespace audio_latency::test
