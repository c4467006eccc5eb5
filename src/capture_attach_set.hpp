// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "capture_attach.hpp"
#include "capture_counters_ledger.hpp"
#include "capture_interfaces.hpp"
#include "capture_live.hpp"

namespace audio_latency {

using Links = std::map<std::uint32_t, Link>;  // by interface index

// What is asked for: which devices, in which directions.
struct AttachWish {
  InterfaceFilter filter;
  std::vector<al_direction> directions;
};

// What is attached now, brought into line with what is asked for and what is there. Loop thread only.
class AttachmentSet {
 public:
  AttachmentSet(std::unique_ptr<Attacher> attacher, InterfaceEntries& entries, CaptureLog& log)
      : attacher_(std::move(attacher)), ledger_(entries), log_(log) {}
  ~AttachmentSet();
  AttachmentSet(const AttachmentSet&) = delete;
  AttachmentSet& operator=(const AttachmentSet&) = delete;

  // Attaches and detaches what differs. What failed is tried again only if the device changed, or `again` is set; the
  // same failure is reported once.
  void reconcile(const AttachWish& wish, const Links& links, const std::vector<std::string>& default_routes,
                 bool again);

  // Reports programs that have come to run before ours since the last look.
  void check_neighbours();

  bool empty() const { return attached_.empty(); }
  std::size_t interfaces() const;
  std::vector<InterfaceCounters> counters() const { return ledger_.totals(); }
  std::string mode() const { return std::string(attacher_->mode()); }
  // The sentence of one attachment that fails now; empty for none.
  std::string failure() const;

 private:
  struct Wanted {
    Link link;
    std::uint64_t flags = 0;
  };
  struct Attached {
    Wanted wanted;
    std::unique_ptr<Attachment> attachment;
    std::vector<std::string> before;  // neighbours already reported
  };
  struct Failure {
    Link link;
    std::string message;
  };
  using WantedSet = std::map<InterfaceKey, Wanted>;

  static AttachPoint point_of(InterfaceKey key, const Wanted& wanted);
  void remove_unwanted(const WantedSet& wanted, const Links& links);
  void follow_name(InterfaceKey key, const Link& link);
  void attach(InterfaceKey key, const Wanted& wanted);
  void fail(InterfaceKey key, const Wanted& wanted, const std::string& message);
  void detach(InterfaceKey key, const std::string& why);
  void report_neighbours(const AttachPoint& point, Attached& attached, Neighbours now);

  std::unique_ptr<Attacher> attacher_;
  CounterLedger ledger_;
  CaptureLog& log_;
  std::map<InterfaceKey, Attached> attached_;
  std::map<InterfaceKey, Failure> failures_;
};

}  // namespace audio_latency
