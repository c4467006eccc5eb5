// SPDX-License-Identifier: Apache-2.0
// What a hostile peer may send: whatever is taken is within the limits, and encodes to the same again.
#include <cstdlib>

#include "bus_message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace audio_latency;
  BusMessage message;
  if (decode({reinterpret_cast<const char*>(data), size}, message) != BusRefusal::none) return 0;
  BusMessage again;
  if (decode(encode(message), again) != BusRefusal::none || again.sender != message.sender) std::abort();
  if (const auto* batch = std::get_if<BusBatch>(&message.content)) {
    const auto& same = std::get<BusBatch>(again.content);
    if (batch->records.size() > kBusMostRecords || batch->records != same.records) std::abort();
    if (batch->flows.size() > kBusMostDefinitions || batch->flows.size() != same.flows.size()) std::abort();
    if (batch->endpoints.size() > kBusMostDefinitions) std::abort();
  }
  return 0;
}
