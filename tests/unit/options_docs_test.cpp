// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "options_registry.hpp"

namespace audio_latency {
namespace {

TEST(OptionsDocs, ListEveryVariableWithItsDefaultAndWhatIsAllowed) {
  const char* root = std::getenv("AL_SOURCE");
  if (root == nullptr) GTEST_SKIP() << "AL_SOURCE does not name the source directory; ctest sets it";
  std::ifstream file(std::string(root) + "/docs/CONFIGURATION.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const Variable& variable : variables()) {
    const std::string fallback = variable.fallback.empty() ? "–" : "`" + std::string(variable.fallback) + "`";
    const std::string row = "\n| " + std::string(variable.name) + " | " + fallback + " | " +
                            std::string(variable.meaning) + " | " + std::string(variable.allowed) + " | " +
                            (variable.reloadable ? "yes" : "") + " |\n";
    EXPECT_NE(text.find(row), std::string::npos) << "docs/CONFIGURATION.md lacks the row" << row;
  }
}

}  // namespace
}  // namespace audio_latency
