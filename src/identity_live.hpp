// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "audio_latency/endpoint.hpp"
#include "audio_latency/options.hpp"
#include "audio_latency/result.hpp"
#include "identity_refresher.hpp"
#include "identity_refused.hpp"

namespace audio_latency {

// What the options and this host allow: an API server to ask, processes to look at. An option that asks for more than
// is there is an error.
Result<RefresherSettings> refresher_settings(const Options& options);

// Names of a running system: static names first, then pods, containers, processes, Services. Loop thread, but where it
// says otherwise.
class LiveIdentity : public IdentityResolver {
 public:
  // `names` gives static names and bare addresses, and must outlive this.
  explicit LiveIdentity(IdentityResolver& names) : names_(names) {}

  // Starts to look around, on threads of its own; before, and where it fails, there are static names only. Signals that
  // the loop thread waits for must be blocked by now.
  Status start(RefresherSettings settings, IdentityLog log);

  PlacedObservation place(const Observation& observation) override;
  const Endpoint* endpoint(EndpointId id) const override;

  // Packets refused as spoofed, by interface index.
  const std::map<std::uint32_t, std::uint64_t>& spoofed_packets() const { return spoofed_; }
  // Any thread, once started.
  RefresherStats stats() const { return refresher_ ? refresher_->stats() : RefresherStats{}; }
  // Empty, or the sentence for /readyz.
  std::string not_ready_reason() const { return refresher_ ? refresher_->not_ready_reason() : std::string{}; }
  // What is not named and why; empty: nothing.
  std::string limits() const { return refresher_ ? refresher_->limits() : std::string{}; }

 private:
  // The packet that was placed before: its windows come one after the other.
  struct Before {
    EventTime time = 0;
    FlowKey flow;
    CapturePoint point;
    bool tunnelled = false;
    const IdentitySnapshot* snapshot = nullptr;
    Placement sender, receiver;
    bool spoofed = false;

    bool is_of(const Observation& seen, const IdentitySnapshot* now) const;
  };

  PlacedObservation place_anew(const Observation& observation, const IdentitySnapshot& snapshot);

  IdentityResolver& names_;
  std::unique_ptr<IdentityRefresher> refresher_;
  std::map<std::uint32_t, std::uint64_t> spoofed_;
  RefusedPackets refused_;
  Before before_;
};

}  // namespace audio_latency
