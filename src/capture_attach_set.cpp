// SPDX-License-Identifier: Apache-2.0
#include "capture_attach_set.hpp"

#include <algorithm>
#include <set>

namespace audio_latency {

AttachmentSet::~AttachmentSet() {
  while (!attached_.empty()) detach(attached_.begin()->first, "shutting down");
}

void AttachmentSet::reconcile(const AttachWish& wish, const Links& links,
                              const std::vector<std::string>& default_routes, bool again) {
  WantedSet wanted;
  for (const auto& [index, link] : links) {
    if (!wish.filter.wants(link, default_routes)) continue;
    const Wanted one{link, interface_flags(link, default_routes)};
    for (const al_direction direction : wish.directions) wanted.try_emplace({index, direction}, one);
  }
  remove_unwanted(wanted, links);
  std::erase_if(failures_, [&](const auto& failed) { return !wanted.contains(failed.first); });
  for (const auto& [key, one] : wanted) {
    if (attached_.contains(key)) {
      follow_name(key, one.link);
      continue;
    }
    const auto failed = failures_.find(key);
    if (failed == failures_.end() || again || failed->second.link != one.link) attach(key, one);
  }
}

void AttachmentSet::remove_unwanted(const WantedSet& wanted, const Links& links) {
  std::vector<std::pair<InterfaceKey, std::string>> leaving;
  for (const auto& [key, attached] : attached_) {
    const auto still = wanted.find(key);
    if (still == wanted.end()) {
      leaving.emplace_back(key, links.contains(key.first) ? "no longer asked for" : "the interface is gone");
    } else if (still->second.flags != attached.wanted.flags ||
               link_layer(still->second.link) != link_layer(attached.wanted.link)) {
      leaving.emplace_back(key, "to be attached anew: its role or link type changed");
    }
  }
  for (const auto& [key, why] : leaving) detach(key, why);
}

void AttachmentSet::follow_name(InterfaceKey key, const Link& link) {
  Attached& attached = attached_.at(key);
  if (attached.wanted.link.name == link.name) return;
  ledger_.rename(key, link.name);
  log_.on_capture_event("tc_attached", link.name,
                        point_of(key, attached.wanted).text() + " is now called " + link.name + "; still attached");
  attached.wanted.link = link;
}

AttachPoint AttachmentSet::point_of(InterfaceKey key, const Wanted& wanted) {
  return {key.first, wanted.link.name, key.second, link_layer(wanted.link)};
}

void AttachmentSet::attach(InterfaceKey key, const Wanted& wanted) {
  const AttachPoint point = point_of(key, wanted);
  if (point.layer == LinkLayer::unsupported) {
    return fail(key, wanted,
                point.interface + " carries neither Ethernet nor IP packets (ARPHRD type " +
                    std::to_string(wanted.link.hardware_type) + ")");
  }
  if (auto entered = ledger_.start(key, point.interface, wanted.flags); !entered) {
    return fail(key, wanted, entered.error().message);
  }
  auto attachment = attacher_->attach(point);
  if (!attachment) {
    ledger_.stop(key);
    return fail(key, wanted, attachment.error().message);
  }
  failures_.erase(key);
  if (attachment.value() == nullptr) return ledger_.stop(key);
  Attached& attached = attached_[key];
  attached.wanted = wanted;
  attached.attachment = std::move(*attachment);
  Neighbours neighbours = attacher_->neighbours(point);
  const std::string order = describe(neighbours);
  log_.on_capture_event("tc_attached", point.interface,
                        "attached to " + point.text() + " by " + mode() + (order.empty() ? "" : ", " + order));
  report_neighbours(point, attached, std::move(neighbours));
}

void AttachmentSet::fail(InterfaceKey key, const Wanted& wanted, const std::string& message) {
  const auto known = failures_.find(key);
  const bool repeated = known != failures_.end() && known->second.message == message;
  failures_[key] = {wanted.link, message};
  if (!repeated) log_.on_capture_event("attach_error", wanted.link.name, message);
}

void AttachmentSet::detach(InterfaceKey key, const std::string& why) {
  const auto at = attached_.find(key);
  const AttachPoint point = point_of(key, at->second.wanted);
  attached_.erase(at);  // first, so that nothing is counted after the last look at the counters
  ledger_.stop(key);
  log_.on_capture_event("tc_detached", point.interface, "detached from " + point.text() + ": " + why);
}

void AttachmentSet::check_neighbours() {
  std::vector<InterfaceKey> removed;
  for (auto& [key, attached] : attached_) {
    const AttachPoint point = point_of(key, attached.wanted);
    Neighbours now = attacher_->neighbours(point);
    if (now.gone) removed.push_back(key);
    report_neighbours(point, attached, std::move(now));
  }
  for (const InterfaceKey& key : removed) detach(key, "somebody else removed its filter; to be attached anew");
}

void AttachmentSet::report_neighbours(const AttachPoint& point, Attached& attached, Neighbours now) {
  if (now.before == attached.before) return;
  attached.before = std::move(now.before);
  if (attached.before.empty()) return;
  log_.on_capture_event("attach_error", point.interface,
                        point.text() + ": ours runs " + describe({attached.before, {}}) +
                            "; packets for which one of those ends the chain are not seen");
}

std::size_t AttachmentSet::interfaces() const {
  std::set<std::uint32_t> indices;
  for (const auto& [key, attached] : attached_) indices.insert(key.first);
  return indices.size();
}

std::string AttachmentSet::failure() const {
  return failures_.empty() ? std::string() : failures_.begin()->second.message;
}

}  // namespace audio_latency
