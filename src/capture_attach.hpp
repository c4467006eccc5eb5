// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audio_latency/options.hpp"
#include "audio_latency/result.hpp"
#include "audio_latency/wire/event.h"
#include "capture_interfaces.hpp"
#include "fd.hpp"

namespace audio_latency {

// One direction of one device.
struct AttachPoint {
  std::uint32_t interface_index = 0;
  std::string interface;
  al_direction direction = AL_INGRESS;
  LinkLayer layer = LinkLayer::ethernet;

  std::string text() const { return interface + (direction == AL_INGRESS ? " ingress" : " egress"); }
};

// The loaded entry points, by al_direction; owned by the loader, which outlives every attachment.
struct AttachPrograms {
  std::array<FdView, 2> ethernet{};
  std::array<FdView, 2> ip{};

  FdView at(const AttachPoint& point) const { return (point.layer == LinkLayer::ip ? ip : ethernet)[point.direction]; }
};

// A program on a device. Destruction takes off what was attached, and nothing else; also where the device is gone.
class Attachment {
 public:
  virtual ~Attachment() = default;
};

// Other programs at the same point.
struct Neighbours {
  std::vector<std::string> before;  // in running order; where one of these ends the chain, ours sees nothing
  std::vector<std::string> after;
  bool gone = false;  // somebody has removed ours

  bool operator==(const Neighbours&) const = default;
};

// How programs get to the packets. Two ways: a TCX link at the head of the chain (Linux 6.6), which vanishes with the
// process, however that ends; or a filter of the clsact qdisc, which does not. Loop thread only.
class Attacher {
 public:
  virtual ~Attacher() = default;
  // No attachment and no error: the device has gone meanwhile.
  virtual Result<std::unique_ptr<Attachment>> attach(const AttachPoint& point) = 0;
  virtual Neighbours neighbours(const AttachPoint& point) = 0;
  virtual std::string_view mode() const = 0;  // "tcx", "clsact"
};

bool kernel_has_tcx();

// First removes what an earlier run of this program, ended by SIGKILL, left on any device of this network namespace.
Result<std::unique_ptr<Attacher>> make_attacher(AttachMode mode, const AttachPrograms& programs);

Result<std::unique_ptr<Attacher>> make_tcx_attacher(const AttachPrograms& programs);
Result<std::unique_ptr<Attacher>> make_clsact_attacher(const AttachPrograms& programs);

// "after program x (id 7), before clsact filter y (priority 49152)"; empty for none.
std::string describe(const Neighbours& neighbours);

// Programs of the TCX chain in running order; none where the kernel has no TCX.
std::vector<std::uint32_t> tcx_program_ids(const AttachPoint& point);
std::uint32_t program_id(FdView program);
// "program x (id 7)"; the name needs CAP_SYS_ADMIN.
std::string describe_program(std::uint32_t id);

}  // namespace audio_latency
