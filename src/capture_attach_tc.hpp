// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audio_latency/result.hpp"
#include "capture_attach.hpp"
#include "fd.hpp"

namespace audio_latency {

// A filter of a clsact qdisc, as rtnetlink lists it.
struct TcFilter {
  std::string kind;  // "bpf", "flower", …
  std::string name;  // of a bpf filter
  std::uint32_t handle = 0;
  std::uint32_t priority = 0;

  bool ours() const;         // any run's of this program: handle range and name
  std::string text() const;  // "clsact filter bpf x (priority 49152)"
};

// Filters at one point, in running order.
Result<std::vector<TcFilter>> list_tc_filters(const AttachPoint& point);

// 0, or a negative errno.
int remove_tc_filter(const AttachPoint& point, const TcFilter& filter);

// Which of the processes that use this network namespace owns a filter: part of the filter's handle. Held as a bound
// abstract socket, which the kernel frees whenever and however the process ends; process ids would not do, since every
// container has its own.
class ClsactOwner {
 public:
  static Result<ClsactOwner> claim();

  std::uint32_t handle() const;

 private:
  ClsactOwner(Fd socket, std::uint32_t number) : socket_(std::move(socket)), number_(number) {}

  Fd socket_;
  std::uint32_t number_;
};

// Removes the filters of owners that are gone, on every device with a clsact qdisc. The qdisc stays: nobody knows any
// more who made it.
Status sweep_stale_filters();

}  // namespace audio_latency
