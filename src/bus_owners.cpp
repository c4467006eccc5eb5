// SPDX-License-Identifier: Apache-2.0
#include "bus_owners.hpp"

#include <algorithm>

namespace audio_latency {
namespace {

constexpr std::size_t kSpares = 2;
constexpr std::size_t kMostMembers = 8192;  // of whom it is remembered that they live

// One round of folded multiplication (wyhash's): every node must come to the same result, so there is no secret in it.
std::uint64_t weight(BusMember owner, std::uint64_t signature) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(owner ^ 0xa0761d6478bd642fULL) * (signature ^ owner ^ 0xe7037ed1a0b428dbULL);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

BusOwners::BusOwners(BusMember self, std::size_t most_owners)
    : self_(self), most_owners_(std::max<std::size_t>(most_owners, 1)), owners_{self}, previous_{self} {}

BusMember BusOwners::best(const std::vector<BusMember>& owners, std::uint64_t signature) {
  BusMember best = owners.front();
  std::uint64_t highest = weight(best, signature);
  for (std::size_t i = 1; i < owners.size(); ++i) {
    const std::uint64_t here = weight(owners[i], signature);
    if (here > highest || (here == highest && owners[i] > best)) {
      highest = here;
      best = owners[i];
    }
  }
  return best;
}

bool BusOwners::heard(BusMember id, const BusHeartbeat& heartbeat, EventTime now) {
  if (id == self_ || id == 0) return false;
  const auto at = std::lower_bound(others_.begin(), others_.end(), id,
                                   [](const Member& member, BusMember wanted) { return member.id < wanted; });
  if (at != others_.end() && at->id == id) {
    at->heard = std::max(at->heard, now);
    at->load = heartbeat.load;
    at->owners = heartbeat.owners;
    return false;
  }
  if (others_.size() >= kMostMembers) return false;
  others_.insert(at, {id, heartbeat.node, now, heartbeat.load, heartbeat.owners});
  return elect();
}

bool BusOwners::is_owner() const {
  return std::find(owners_.begin(), owners_.end(), self_) != owners_.end();
}

bool BusOwners::is_heard(BusMember other) const {
  return std::any_of(others_.begin(), others_.end(), [&](const Member& member) { return member.id == other; });
}

bool BusOwners::left(BusMember id) {
  return std::erase_if(others_, [&](const Member& member) { return member.id == id; }) > 0 && elect();
}

bool BusOwners::expire(EventTime now) {
  const auto dead = [&](const Member& member) { return member.heard + kDead < now; };
  return std::erase_if(others_, dead) > 0 && elect();
}

bool BusOwners::forget_all() {
  others_.clear();
  return elect();
}

bool BusOwners::spread(std::size_t most_owners) {
  most_owners_ = std::max<std::size_t>(most_owners, 1);
  return elect();
}

// Members by rank. Ids are random, so their order is as good as any hash of them.
std::vector<BusMember> BusOwners::ranked() const {
  std::vector<BusMember> ids{self_};
  for (const Member& member : others_) ids.push_back(member.id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

bool BusOwners::elect() {
  std::vector<BusMember> elected = ranked();
  elected.resize(std::min(elected.size(), most_owners_));
  if (elected == owners_) return false;
  previous_ = std::move(owners_);
  owners_ = std::move(elected);
  return true;
}

bool BusOwners::candidate() const {
  const std::vector<BusMember> ids = ranked();
  const auto at = std::lower_bound(ids.begin(), ids.end(), self_);
  return static_cast<std::size_t>(at - ids.begin()) < most_owners_ + kSpares;
}

}  // namespace audio_latency
