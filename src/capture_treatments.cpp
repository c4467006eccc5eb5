// SPDX-License-Identifier: Apache-2.0
#include "capture_treatments.hpp"

#include <bpf/bpf.h>

#include <ctime>
#include <memory>

#include "capture_payload.hpp"

namespace audio_latency {
namespace {

void wake_a_law(FdView ports) {
  const std::uint32_t zero = 0;
  const auto table = std::make_unique<al_port_table>();
  if (bpf_map_lookup_elem(ports.get(), &zero, table.get()) < 0 || table->a_law != AL_A_LAW_WAITING) return;
  table->a_law = AL_A_LAW_ON;
  bpf_map_update_elem(ports.get(), &zero, table.get(), BPF_EXIST);
}

}  // namespace

void KernelTreatments::treat(const FlowKey& flow, const CapturePoint& point, bool tunnelled, al_treatment treatment) {
  const al_flow_key key = wire_flow_key(flow, point, tunnelled);
  al_flow_slot slot{};
  if (bpf_map_lookup_elem_flags(flows_.get(), &key, &slot, BPF_F_LOCK) < 0) return;
  // It is said again each second. A decoded flow's entry holds nothing else that a second saying would change.
  const al_treatment& before = slot.flow.treatment;
  if (treatment.handling == AL_DECODE && before.handling == AL_DECODE && treatment.codec == before.codec) return;
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  apply_treatment(slot.flow, treatment,
                  static_cast<EventTime>(now.tv_sec) * 1'000'000'000 + static_cast<EventTime>(now.tv_nsec));
  // What the kernel wrote in between is lost: a run at most, which costs the windows across one packet border.
  bpf_map_update_elem(flows_.get(), &key, &slot, BPF_F_LOCK | BPF_EXIST);
  if (treatment.codec == AL_CODEC_PCMA) wake_a_law(ports_);
}

}  // namespace audio_latency
