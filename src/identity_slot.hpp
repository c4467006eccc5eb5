// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <memory>

namespace audio_latency {

// Hands immutable snapshots from one refresher thread to one reader thread. The reader never waits and never frees:
// what it has finished with goes back to the refresher. T has a member `T* retired_next`.
template <typename T>
class SnapshotSlot {
 public:
  SnapshotSlot() = default;
  SnapshotSlot(const SnapshotSlot&) = delete;
  SnapshotSlot& operator=(const SnapshotSlot&) = delete;
  ~SnapshotSlot() {
    delete pending_.load();
    delete current_;
    free_retired();
  }

  // Refresher thread.
  void publish(std::unique_ptr<T> snapshot) {
    delete pending_.exchange(snapshot.release(), std::memory_order_acq_rel);
    free_retired();
  }

  // Reader thread: the newest snapshot, nullptr before the first. Valid until the next call.
  const T* current() {
    if (pending_.load(std::memory_order_relaxed) == nullptr) return current_;
    T* newest = pending_.exchange(nullptr, std::memory_order_acq_rel);
    if (newest == nullptr) return current_;
    if (current_ != nullptr) retire(current_);
    current_ = newest;
    return current_;
  }

 private:
  void retire(T* snapshot) {
    snapshot->retired_next = retired_.load(std::memory_order_relaxed);
    while (!retired_.compare_exchange_weak(snapshot->retired_next, snapshot, std::memory_order_release)) {
    }
  }

  void free_retired() {
    T* next = retired_.exchange(nullptr, std::memory_order_acquire);
    while (next != nullptr) {
      const std::unique_ptr<T> dead(next);
      next = dead->retired_next;
    }
  }

  std::atomic<T*> pending_{nullptr};
  std::atomic<T*> retired_{nullptr};
  T* current_ = nullptr;  // the reader's
};

}  // namespace audio_latency
