// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "audio_latency/payload.hpp"
#include "audio_latency/wire/flow.h"
#include "audio_latency/wire/payload.h"

namespace audio_latency {

// A record of the kernel program's ring buffer of payload; its bytes are read where they lie. Nothing where the
// record is shorter than it says.
std::optional<Payload> payload_of(std::span<const std::uint8_t> record);

// The same of a header and bytes that lie apart.
Payload payload_of(const al_payload& header, std::span<const std::uint8_t> bytes);

// Key of the kernel's flow table.
al_flow_key wire_flow_key(const FlowKey& flow, const CapturePoint& point, bool tunnelled);

// A flow is treated so from now on: what its run was made of is worth nothing any more.
void apply_treatment(al_flow& flow, al_treatment treatment, EventTime now);

}  // namespace audio_latency
