// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace audio_latency {

const char* version();  // "0.1.0"
const char* commit();   // abbreviated git commit, "unknown" outside a checkout

}  // namespace audio_latency
