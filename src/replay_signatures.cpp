// SPDX-License-Identifier: Apache-2.0
#include "replay_signatures.hpp"

#include <netinet/in.h>
#include <spdlog/fmt/fmt.h>

#include <ostream>

#include "sink_json.hpp"
#include "wall_clock.hpp"

namespace audio_latency {

// No member can hold a character that JSON wants escaped.
std::string signature_json(const Observation& seen) {
  return fmt::format(
      R"({{"time":"{}","src":"{}","dst":"{}","protocol":"{}","domain":"{}","signature":"{}","offset":{}}})",
      rfc3339(static_cast<std::int64_t>(seen.time)), seen.flow.source.to_string(), seen.flow.destination.to_string(),
      seen.flow.protocol == IPPROTO_TCP ? "tcp" : "udp", to_string(seen.domain), hex16(seen.signature),
      seen.packet.offset);
}

void SignatureLines::on_observation(const Observation& observation) {
  out_ << signature_json(observation) << '\n';
}

}  // namespace audio_latency
