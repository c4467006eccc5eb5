// SPDX-License-Identifier: Apache-2.0
#include "capture_attach_set.hpp"

#include <gmock/gmock.h>
#include <linux/if_arp.h>

#include <set>

namespace audio_latency {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Places = std::set<std::string>;

class FakeAttachment : public Attachment {
 public:
  FakeAttachment(Places& places, std::string at) : places_(places), at_(std::move(at)) { places_.insert(at_); }
  FakeAttachment(const FakeAttachment&) = delete;
  FakeAttachment& operator=(const FakeAttachment&) = delete;
  ~FakeAttachment() override { places_.erase(at_); }

 private:
  Places& places_;
  std::string at_;
};

struct FakeKernel {
  Places attached;
  std::set<std::string> refused;  // device names
  std::set<std::string> gone;
  Neighbours neighbours;
  int attempts = 0;
};

class FakeAttacher : public Attacher {
 public:
  explicit FakeAttacher(FakeKernel& kernel) : kernel_(kernel) {}
  Result<std::unique_ptr<Attachment>> attach(const AttachPoint& point) override {
    ++kernel_.attempts;
    if (kernel_.refused.contains(point.interface)) return Error{"refused on " + point.text()};
    if (kernel_.gone.contains(point.interface)) return std::unique_ptr<Attachment>();
    const std::string place = std::to_string(point.interface_index) + " " + direction_name(point.direction) +
                              (point.layer == LinkLayer::ip ? " ip" : "");
    return std::unique_ptr<Attachment>(std::make_unique<FakeAttachment>(kernel_.attached, place));
  }
  Neighbours neighbours(const AttachPoint&) override { return kernel_.neighbours; }
  std::string_view mode() const override { return "fake"; }

 private:
  FakeKernel& kernel_;
};

class FakeEntries : public InterfaceEntries {
 public:
  Status add(InterfaceKey key, std::uint64_t value) override {
    flags[key] = value;
    return success();
  }
  void remove(InterfaceKey key) override { flags.erase(key); }
  std::optional<al_counters> read(InterfaceKey) const override { return al_counters{}; }

  std::map<InterfaceKey, std::uint64_t> flags;
};

class Journal : public CaptureLog {
 public:
  void on_capture_event(const std::string& event_type, const std::string& interface,
                        const std::string& message) override {
    lines.push_back(event_type + " " + interface + ": " + message);
  }
  std::vector<std::string> lines;
};

class AttachmentSets : public ::testing::Test {
 protected:
  AttachmentSets() : set_(std::make_unique<AttachmentSet>(std::make_unique<FakeAttacher>(kernel_), entries_, log_)) {}

  void add_link(std::uint32_t index, const std::string& name, std::uint16_t hardware = ARPHRD_ETHER,
                const std::string& kind = "veth") {
    Link link;
    link.index = index;
    link.name = name;
    link.kind = kind;
    link.hardware_type = hardware;
    links_[index] = link;
  }
  void reconcile(bool again = false) { set_->reconcile(wish_, links_, routes_, again); }
  static AttachWish wish_for(std::vector<std::string> interfaces) {
    Options options;
    options.interfaces = std::move(interfaces);
    return {InterfaceFilter(options), {AL_INGRESS}};
  }

  FakeKernel kernel_;
  FakeEntries entries_;
  Journal log_;
  AttachWish wish_ = wish_for({"veth*"});
  Links links_;
  std::vector<std::string> routes_;
  std::unique_ptr<AttachmentSet> set_;
};

TEST_F(AttachmentSets, FollowDevicesThatComeAndGo) {
  reconcile();
  EXPECT_TRUE(set_->empty());
  add_link(3, "veth1");
  add_link(4, "eth0");
  reconcile();
  EXPECT_THAT(kernel_.attached, ElementsAre("3 ingress"));
  EXPECT_EQ(set_->interfaces(), 1u);
  EXPECT_THAT(entries_.flags, SizeIs(1));
  reconcile();
  EXPECT_EQ(kernel_.attempts, 1);
  links_.erase(3);
  reconcile();
  EXPECT_THAT(kernel_.attached, IsEmpty());
  EXPECT_THAT(entries_.flags, IsEmpty());
  EXPECT_THAT(log_.lines, ElementsAre("tc_attached veth1: attached to veth1 ingress by fake",
                                      "tc_detached veth1: detached from veth1 ingress: the interface is gone"));
}

TEST_F(AttachmentSets, BothDirectionsOfADeviceAreOneInterface) {
  wish_.directions = {AL_INGRESS, AL_EGRESS};
  add_link(3, "veth1");
  reconcile();
  EXPECT_THAT(kernel_.attached, ElementsAre("3 egress", "3 ingress"));
  EXPECT_EQ(set_->interfaces(), 1u);
}

TEST_F(AttachmentSets, ARenamedDeviceStaysAttachedWhereTheNameStillFits) {
  add_link(3, "veth1");
  reconcile();
  links_[3].name = "veth2";
  reconcile();
  EXPECT_EQ(kernel_.attempts, 1);
  EXPECT_THAT(set_->counters(), SizeIs(2));  // of the old name and the new one
  links_[3].name = "uplink";
  reconcile();
  EXPECT_THAT(kernel_.attached, IsEmpty());
  EXPECT_THAT(log_.lines.back(), HasSubstr("no longer asked for"));
}

TEST_F(AttachmentSets, AFailureIsReportedOnceAndRetriedWhenAsked) {
  kernel_.refused = {"veth1"};
  add_link(3, "veth1");
  reconcile();
  reconcile();
  EXPECT_EQ(kernel_.attempts, 1);
  reconcile(true);
  EXPECT_EQ(kernel_.attempts, 2);
  EXPECT_THAT(log_.lines, ElementsAre("attach_error veth1: refused on veth1 ingress"));
  EXPECT_EQ(set_->failure(), "refused on veth1 ingress");
  EXPECT_THAT(entries_.flags, IsEmpty());

  kernel_.refused.clear();
  reconcile(true);
  EXPECT_EQ(set_->failure(), "");
  EXPECT_THAT(kernel_.attached, ElementsAre("3 ingress"));
}

TEST_F(AttachmentSets, WhatSomebodyElseRemovedIsAttachedAnew) {
  add_link(3, "veth1");
  reconcile();
  kernel_.neighbours.gone = true;
  set_->check_neighbours();
  EXPECT_TRUE(set_->empty());
  EXPECT_THAT(log_.lines.back(), AllOf(HasSubstr("tc_detached veth1"), HasSubstr("somebody else removed")));
  kernel_.neighbours.gone = false;
  reconcile();
  EXPECT_THAT(kernel_.attached, ElementsAre("3 ingress"));
}

TEST_F(AttachmentSets, AFailedDeviceThatGoesIsForgotten) {
  kernel_.refused = {"veth1"};
  add_link(3, "veth1");
  reconcile();
  links_.clear();
  reconcile();
  EXPECT_EQ(set_->failure(), "");
}

TEST_F(AttachmentSets, ADeviceThatGoesWhileItIsAttachedIsNoFailure) {
  kernel_.gone = {"veth1"};
  add_link(3, "veth1");
  reconcile();
  EXPECT_TRUE(set_->empty());
  EXPECT_THAT(entries_.flags, IsEmpty());
  EXPECT_THAT(log_.lines, IsEmpty());
  EXPECT_EQ(set_->failure(), "");
}

TEST_F(AttachmentSets, LayerAndRoleDecideProgramAndFlags) {
  wish_ = wish_for({"tun0", "eth0", "veth1"});
  add_link(3, "tun0", ARPHRD_NONE, "tun");
  add_link(4, "eth0", ARPHRD_ETHER, "");
  add_link(5, "veth1");
  reconcile();
  EXPECT_THAT(kernel_.attached, ElementsAre("3 ingress ip", "4 ingress", "5 ingress"));
  EXPECT_EQ((entries_.flags[{4, AL_INGRESS}]), AL_INTERFACE_UPLINK);
  EXPECT_EQ((entries_.flags[{5, AL_INGRESS}]), 0u);

  routes_ = {"veth1"};  // the default route moves there
  reconcile();
  EXPECT_EQ((entries_.flags[{5, AL_INGRESS}]), AL_INTERFACE_UPLINK);
  EXPECT_THAT(kernel_.attached, SizeIs(3));
}

TEST_F(AttachmentSets, ADeviceWithoutPacketsThatWasNamedIsAnError) {
  wish_ = wish_for({"can0"});
  add_link(3, "can0", ARPHRD_CAN, "");
  reconcile();
  EXPECT_THAT(set_->failure(), AllOf(HasSubstr("can0"), HasSubstr("280")));
  EXPECT_EQ(kernel_.attempts, 0);
}

TEST_F(AttachmentSets, ProgramsThatRunFirstAreReportedOnce) {
  kernel_.neighbours.after = {"clsact filter bpf policy (priority 49152)"};
  add_link(3, "veth1");
  reconcile();
  ASSERT_THAT(log_.lines, SizeIs(1));
  EXPECT_THAT(log_.lines[0], HasSubstr("before clsact filter bpf policy (priority 49152)"));
  kernel_.neighbours.before = {"TCX program (id 9)"};
  set_->check_neighbours();
  set_->check_neighbours();
  ASSERT_THAT(log_.lines, SizeIs(2));
  EXPECT_THAT(log_.lines[1], AllOf(HasSubstr("attach_error"), HasSubstr("after TCX program (id 9)")));
}

TEST_F(AttachmentSets, DestructionDetachesEverything) {
  add_link(3, "veth1");
  add_link(4, "veth2");
  reconcile();
  set_.reset();
  EXPECT_THAT(kernel_.attached, IsEmpty());
  EXPECT_THAT(entries_.flags, IsEmpty());
}

}  // namespace
}  // namespace audio_latency
