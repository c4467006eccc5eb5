// SPDX-License-Identifier: Apache-2.0
#include "capture_counters_ledger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "capture_counters.hpp"

namespace audio_latency {
namespace {

al_counters counted(std::uint64_t packets, std::uint64_t emitted = 0) {
  al_counters counters{};
  counters.packets[AL_SCANNED] = packets;
  counters.emitted = emitted;
  return counters;
}

class FakeEntries : public InterfaceEntries {
 public:
  Status add(InterfaceKey key, std::uint64_t) override {
    entries[key] = {};
    return success();
  }
  void remove(InterfaceKey key) override { entries.erase(key); }
  std::optional<al_counters> read(InterfaceKey key) const override {
    const auto at = entries.find(key);
    return at == entries.end() ? std::nullopt : std::optional(at->second);
  }

  std::map<InterfaceKey, al_counters> entries;
};

std::optional<std::uint64_t> packets_of(const CounterLedger& ledger, const std::string& interface,
                                        const std::string& direction = "ingress") {
  for (const InterfaceCounters& row : ledger.totals()) {
    if (row.interface == interface && row.direction == direction) return row.counters.packets[AL_SCANNED];
  }
  return std::nullopt;
}

TEST(CounterArithmetic, WorksOnEveryCell) {
  al_counters sum = counted(5, 7);
  sum.trouble[AL_TROUBLES - 1] = 1;
  add(sum, counted(2, 1));
  EXPECT_EQ(sum.packets[AL_SCANNED], 7u);
  EXPECT_EQ(sum.emitted, 8u);
  EXPECT_EQ(sum.trouble[AL_TROUBLES - 1], 1u);
  subtract(sum, counted(7, 8));
  EXPECT_EQ(sum.packets[AL_SCANNED], 0u);
  EXPECT_EQ(sum.emitted, 0u);
  EXPECT_EQ(sum.trouble[AL_TROUBLES - 1], 1u);
}

TEST(Ledger, KeepsWhatAGoneDeviceCounted) {
  FakeEntries kernel;
  CounterLedger ledger(kernel);
  ASSERT_TRUE(ledger.start({3, AL_INGRESS}, "veth1", 0).ok());
  kernel.entries[{3, AL_INGRESS}] = counted(10);
  EXPECT_EQ(packets_of(ledger, "veth1"), 10u);
  ledger.stop({3, AL_INGRESS});
  EXPECT_TRUE(kernel.entries.empty());
  EXPECT_EQ(packets_of(ledger, "veth1"), 10u);

  // A new device of that name goes on from there.
  ASSERT_TRUE(ledger.start({9, AL_INGRESS}, "veth1", 0).ok());
  kernel.entries[{9, AL_INGRESS}] = counted(5);
  EXPECT_EQ(packets_of(ledger, "veth1"), 15u);
}

TEST(Ledger, SplitsCountsAtARename) {
  FakeEntries kernel;
  CounterLedger ledger(kernel);
  ASSERT_TRUE(ledger.start({3, AL_EGRESS}, "old", 0).ok());
  kernel.entries[{3, AL_EGRESS}] = counted(10);
  ledger.rename({3, AL_EGRESS}, "new");
  kernel.entries[{3, AL_EGRESS}] = counted(14);
  EXPECT_EQ(packets_of(ledger, "old", "egress"), 10u);
  EXPECT_EQ(packets_of(ledger, "new", "egress"), 4u);
  ledger.stop({3, AL_EGRESS});
  EXPECT_EQ(packets_of(ledger, "new", "egress"), 4u);
}

TEST(Ledger, DirectionsAreApart) {
  FakeEntries kernel;
  CounterLedger ledger(kernel);
  ASSERT_TRUE(ledger.start({3, AL_INGRESS}, "eth0", 0).ok());
  ASSERT_TRUE(ledger.start({3, AL_EGRESS}, "eth0", 0).ok());
  kernel.entries[{3, AL_INGRESS}] = counted(1);
  kernel.entries[{3, AL_EGRESS}] = counted(2);
  EXPECT_EQ(packets_of(ledger, "eth0", "ingress"), 1u);
  EXPECT_EQ(packets_of(ledger, "eth0", "egress"), 2u);
}

TEST(Ledger, AnEntryThatVanishedNeverTurnsCountsNegative) {
  FakeEntries kernel;
  CounterLedger ledger(kernel);
  ASSERT_TRUE(ledger.start({3, AL_INGRESS}, "old", 0).ok());
  kernel.entries[{3, AL_INGRESS}] = counted(10);
  ledger.rename({3, AL_INGRESS}, "new");
  kernel.entries.clear();
  EXPECT_EQ(packets_of(ledger, "new"), 0u);
  ledger.stop({3, AL_INGRESS});
  EXPECT_EQ(packets_of(ledger, "old"), 10u);
}

TEST(Ledger, ManyGoneNamesAreAddedUp) {
  FakeEntries kernel;
  CounterLedger ledger(kernel, 2);
  for (std::uint32_t index = 1; index <= 5; ++index) {
    ASSERT_TRUE(ledger.start({index, AL_INGRESS}, "veth" + std::to_string(index), 0).ok());
    kernel.entries[{index, AL_INGRESS}] = counted(index);
    ledger.stop({index, AL_INGRESS});
  }
  EXPECT_EQ(ledger.totals().size(), 3u);
  EXPECT_EQ(packets_of(ledger, "gone"), 1u + 2u + 3u);
  EXPECT_EQ(packets_of(ledger, "veth4"), 4u);
  EXPECT_EQ(packets_of(ledger, "veth5"), 5u);
}

TEST(Ledger, ANameInUseIsNotAddedUp) {
  FakeEntries kernel;
  CounterLedger ledger(kernel, 1);
  ASSERT_TRUE(ledger.start({1, AL_INGRESS}, "eth0", 0).ok());
  kernel.entries[{1, AL_INGRESS}] = counted(7);
  ledger.stop({1, AL_INGRESS});
  ASSERT_TRUE(ledger.start({2, AL_INGRESS}, "eth0", 0).ok());
  for (std::uint32_t index = 3; index <= 6; ++index) {
    ASSERT_TRUE(ledger.start({index, AL_INGRESS}, "veth" + std::to_string(index), 0).ok());
    ledger.stop({index, AL_INGRESS});
  }
  EXPECT_EQ(packets_of(ledger, "eth0"), 7u);
}

// Devices whose numbers fall into the table by chance, each attached in both directions: those that find no slot.
int without_slot(std::uint32_t slots, int devices, unsigned seed) {
  std::mt19937 random(seed);
  std::set<std::uint32_t> taken;
  int left = 0;
  for (int device = 0; device < devices; ++device) {
    const std::uint32_t index = 1 + random() % 1'000'000;
    for (const std::uint32_t direction : {AL_INGRESS, AL_EGRESS}) {
      bool found = false;
      for (std::uint32_t probe = 0; probe < AL_INTERFACE_PROBES && !found; ++probe)
        found = taken.insert(al_interface_slot(index, direction, probe, slots)).second;
      left += found ? 0 : 1;
    }
  }
  return left;
}

TEST(InterfaceSlots, EveryPodOfALargeNodeFindsOne) {
  for (unsigned seed = 0; seed < 500; ++seed) {
    EXPECT_EQ(without_slot(AL_INTERFACE_SLOTS, 500, seed), 0) << seed;
    EXPECT_EQ(without_slot(AL_INTERFACE_SLOTS / 2, 250, seed), 0) << seed;
  }
}

TEST(InterfaceSlots, DevicesInARowFillTheTable) {
  std::set<std::uint32_t> taken;
  for (std::uint32_t index = 1; index <= AL_INTERFACE_SLOTS / 2; ++index) {
    for (const std::uint32_t direction : {AL_INGRESS, AL_EGRESS})
      EXPECT_TRUE(taken.insert(al_interface_slot(index, direction, 0, AL_INTERFACE_SLOTS)).second) << index;
  }
}

}  // namespace
}  // namespace audio_latency
