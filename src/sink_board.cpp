// SPDX-License-Identifier: Apache-2.0
#include "sink_board.hpp"

#include <nlohmann/json.hpp>

namespace audio_latency {

std::string link_json(const NamedLink& named) {
  const LinkView& link = named.link;
  const nlohmann::ordered_json object = {
      {"source", link.earlier.source.to_string()},
      {"dest", link.later.destination.to_string()},
      {"source_pod", named.source.pod},
      {"dest_pod", named.dest.pod},
      {"source_namespace", named.source.namespace_name},
      {"dest_namespace", named.dest.namespace_name},
      {"earlier_flow", link.earlier.source.to_string() + " > " + link.earlier.destination.to_string()},
      {"later_flow", link.later.source.to_string() + " > " + link.later.destination.to_string()},
      {"matches", link.matches},
      {"current_seconds", link.current_seconds},
      {"drift_ratio", link.drift_ratio},
      {"formed", rfc3339(named.formed_ns)},
      {"last_match", rfc3339(named.last_match_ns)},
      {"measurement", "default"},
  };
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

void Board::set_not_ready_reason(std::string reason) {
  const std::scoped_lock lock(mutex_);
  not_ready_reason_ = std::move(reason);
}

std::string Board::not_ready_reason() const {
  const std::scoped_lock lock(mutex_);
  return not_ready_reason_;
}

void Board::set_limits(std::string limits) {
  const std::scoped_lock lock(mutex_);
  limits_ = std::move(limits);
}

std::string Board::limits() const {
  const std::scoped_lock lock(mutex_);
  return limits_;
}

void Board::set_links(std::vector<NamedLink> links) {
  auto fresh = std::make_shared<const std::vector<NamedLink>>(std::move(links));
  const std::scoped_lock lock(mutex_);
  links_.swap(fresh);  // the old ones are freed after the lock
}

std::shared_ptr<const std::vector<NamedLink>> Board::links() const {
  const std::scoped_lock lock(mutex_);
  return links_;
}

void Board::set_flows(std::vector<NamedFlow> flows) {
  auto fresh = std::make_shared<const std::vector<NamedFlow>>(std::move(flows));
  const std::scoped_lock lock(mutex_);
  flows_.swap(fresh);  // the old ones are freed after the lock
}

std::shared_ptr<const std::vector<NamedFlow>> Board::flows() const {
  const std::scoped_lock lock(mutex_);
  return flows_;
}

void Board::add_matches(std::vector<NamedMatch> matches) {
  const std::scoped_lock lock(mutex_);
  for (NamedMatch& match : matches) matches_.push_back(std::move(match));
  while (matches_.size() > kRecentMatches) matches_.pop_front();
}

std::vector<NamedMatch> Board::matches() const {
  const std::scoped_lock lock(mutex_);
  return {matches_.begin(), matches_.end()};
}

void RecentMatches::on_match(const Match& match) {
  if (pending_.size() < Board::kRecentMatches) {
    pending_.push_back(match);
    return;
  }
  pending_[next_] = match;
  next_ = (next_ + 1) % pending_.size();
}

void RecentMatches::publish(Board& board, const IdentityResolver& resolver, const WallClock& clock) {
  if (pending_.empty()) return;
  std::vector<NamedMatch> matches;
  matches.reserve(pending_.size());
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    matches.push_back(named(pending_[(next_ + i) % pending_.size()], resolver, clock));
  }
  pending_.clear();
  next_ = 0;
  board.add_matches(std::move(matches));
}

}  // namespace audio_latency
