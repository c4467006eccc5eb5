// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "audio_latency/wire/settings.h"

namespace audio_latency {

// Label values for what the kernel program and the replay count (docs/METRICS.md).
const char* al_verdict_name(al_verdict verdict);  // verdict of audio_packets_total
const char* al_refusal_name(al_refusal refusal);  // reason of audio_windows_refused_total
const char* al_loss_name(al_loss loss);           // reason of audio_events_lost_total
const char* al_trouble_name(al_trouble trouble);  // error_type of audio_processing_errors_total

void add(al_counters& sum, const al_counters& more);
void subtract(al_counters& sum, const al_counters& less);

}  // namespace audio_latency
