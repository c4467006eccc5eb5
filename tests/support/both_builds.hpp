// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "capture_program.hpp"
#include "support/bpf_program.hpp"

namespace audio_latency::test {

// Tests that run with each build of the kernel program:
// INSTANTIATE_TEST_SUITE_P(Builds, Suite, both_builds(), build_name);
class BothBuilds : public testing::TestWithParam<ProgramBuild> {
 protected:
  void SetUp() override {
    if (const std::string missing = missing_privilege(); !missing.empty()) GTEST_SKIP() << missing;
  }
};

inline auto both_builds() {
  return testing::Values(ProgramBuild::full, ProgramBuild::bounded);
}

inline std::string build_name(const testing::TestParamInfo<ProgramBuild>& given) {
  return given.param == ProgramBuild::full ? "full" : "bounded";
}

}  // namespace audio_latency::test
