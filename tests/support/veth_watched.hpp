// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "capture_attach.hpp"
#include "capture_counters_ledger.hpp"
#include "support/bpf_program.hpp"
#include "support/veth_pair.hpp"

namespace audio_latency::test {

// The program on the ingress of a veth.
class Watched {
 public:
  Watched(const VethPair& pair, ProgramBuild build, const al_settings& settings, std::vector<AudioPort> ports = {})
      : program_(settings, {.build = build, .ports = std::move(ports)}), index_(pair.near_index()) {
    KernelInterfaceEntries entries{FdView(program_.program().interfaces_fd())};
    EXPECT_TRUE(entries.add({index_, AL_INGRESS}, AL_INTERFACE_LOOPBACK).ok());
    AttachPrograms programs;
    programs.ethernet[AL_INGRESS] = FdView(program_.program().program_fd(true, AL_INGRESS));
    attacher_ = std::move(make_attacher(AttachMode::automatic, programs).value());
    attachment_ = std::move(attacher_->attach({index_, pair.near_name(), AL_INGRESS, LinkLayer::ethernet}).value());
  }

  al_counters counters() const { return program_.counters(index_); }

  // What was selected since the last call, once `packets` packets were scanned in all.
  std::vector<al_event> events_after(std::uint64_t packets) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (counters().packets[AL_SCANNED] < packets && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(counters().packets[AL_SCANNED], packets);
    return program_.events();
  }

 private:
  TestProgram program_;
  std::uint32_t index_;
  std::unique_ptr<Attacher> attacher_;
  std::unique_ptr<Attachment> attachment_;
};

}  // namespace audio_latency::test
