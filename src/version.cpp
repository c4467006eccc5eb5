// SPDX-License-Identifier: Apache-2.0
#include "version.hpp"

namespace audio_latency {

const char* version() {
  return AL_VERSION;
}
const char* commit() {
  return AL_COMMIT;
}

}  // namespace audio_latency
