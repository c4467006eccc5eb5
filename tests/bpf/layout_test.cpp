// SPDX-License-Identifier: Apache-2.0
// The contract has one layout: the program's BTF against the C++ compiler's offsets.
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <map>
#include <string>

#include "audio_latency/wire/scratch.h"

// Behind the types that it names.
#include "audio_latency.skel.h"
#include "support/bpf_program.hpp"

namespace audio_latency::test {
namespace {

using Offsets = std::map<std::string, std::size_t>;

class Layout : public testing::Test {
 protected:
  void SetUp() override {
    skeleton_ = audio_latency_bpf__open();
    ASSERT_NE(skeleton_, nullptr);
    btf_ = bpf_object__btf(skeleton_->obj);
    ASSERT_NE(btf_, nullptr);
  }
  void TearDown() override { audio_latency_bpf__destroy(skeleton_); }

  void expect(const char* name, std::size_t size, const Offsets& offsets) {
    const int id = btf__find_by_name_kind(btf_, name, BTF_KIND_STRUCT);
    ASSERT_GT(id, 0) << name;
    const btf_type* type = btf__type_by_id(btf_, static_cast<__u32>(id));
    EXPECT_EQ(type->size, size) << name;
    EXPECT_EQ(btf_vlen(type), offsets.size()) << name;
    for (__u32 at = 0; at < btf_vlen(type); ++at) {
      const std::string member = btf__name_by_offset(btf_, btf_members(type)[at].name_off);
      ASSERT_EQ(offsets.count(member), 1U) << name << "." << member;
      EXPECT_EQ(btf_member_bit_offset(type, at), 8 * offsets.at(member)) << name << "." << member;
    }
  }

  audio_latency_bpf* skeleton_ = nullptr;
  const btf* btf_ = nullptr;
};

#define AL_OFFSET(type, member) \
  { #member, offsetof(type, member) }

TEST_F(Layout, Flow) {
  expect("al_flow", sizeof(al_flow),
         {AL_OFFSET(al_flow, last_seen_ns), AL_OFFSET(al_flow, rate), AL_OFFSET(al_flow, run),
          AL_OFFSET(al_flow, payload_rate), AL_OFFSET(al_flow, examined_ns), AL_OFFSET(al_flow, sample_left),
          AL_OFFSET(al_flow, treatment), AL_OFFSET(al_flow, format), AL_OFFSET(al_flow, payload_type),
          AL_OFFSET(al_flow, reserved), AL_OFFSET(al_flow, sender), AL_OFFSET(al_flow, version)});
  expect("al_flow_slot", sizeof(al_flow_slot),
         {AL_OFFSET(al_flow_slot, lock), AL_OFFSET(al_flow_slot, reserved), AL_OFFSET(al_flow_slot, flow)});
}

TEST_F(Layout, Payload) {
  expect("al_payload", sizeof(al_payload),
         {AL_OFFSET(al_payload, packet), AL_OFFSET(al_payload, bytes), AL_OFFSET(al_payload, length)});
}

TEST_F(Layout, Counters) {
  expect("al_counters", sizeof(al_counters),
         {AL_OFFSET(al_counters, packets), AL_OFFSET(al_counters, scanned_bytes), AL_OFFSET(al_counters, refused),
          AL_OFFSET(al_counters, emitted), AL_OFFSET(al_counters, payloads), AL_OFFSET(al_counters, lost),
          AL_OFFSET(al_counters, trouble)});
  expect("al_interface", sizeof(al_interface),
         {AL_OFFSET(al_interface, index), AL_OFFSET(al_interface, direction), AL_OFFSET(al_interface, flags),
          AL_OFFSET(al_interface, counters)});
}

TEST_F(Layout, Event) {
  expect("al_event", sizeof(al_event),
         {AL_OFFSET(al_event, time_ns),
          AL_OFFSET(al_event, signature),
          AL_OFFSET(al_event, source_address),
          AL_OFFSET(al_event, destination_address),
          AL_OFFSET(al_event, source_port),
          AL_OFFSET(al_event, destination_port),
          AL_OFFSET(al_event, interface_index),
          AL_OFFSET(al_event, offset),
          AL_OFFSET(al_event, payload_length),
          AL_OFFSET(al_event, stream_id),
          AL_OFFSET(al_event, rtp_timestamp),
          AL_OFFSET(al_event, flow_label),
          AL_OFFSET(al_event, rtp_sequence),
          AL_OFFSET(al_event, ip_id),
          AL_OFFSET(al_event, ttl),
          AL_OFFSET(al_event, protocol),
          AL_OFFSET(al_event, domain),
          AL_OFFSET(al_event, direction),
          AL_OFFSET(al_event, identity),
          AL_OFFSET(al_event, leading_zeros),
          AL_OFFSET(al_event, peak),
          AL_OFFSET(al_event, zero_crossings),
          AL_OFFSET(al_event, tunnelled),
          AL_OFFSET(al_event, reserved)});
}

}  // namespace
}  // namespace audio_latency::test
