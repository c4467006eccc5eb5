// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "audio_latency/result.hpp"
#include "bus_transport.hpp"

namespace audio_latency {

struct NatsSettings {
  BusMember self = 0;
  std::string node;
  std::vector<std::string> urls;
  std::string subject;  // the first tokens of every subject
  std::string user;     // files by name; empty: none
  std::string password_file;
  std::string token_file;
  std::string nkey;  // public; the seed is in the file
  std::string nkey_seed_file;
  std::string credentials_file;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
};

// An error where a file that the settings name can't be read or used.
Status check_nats_files(const NatsSettings& settings);

// Core NATS: subject.members is everybody's, subject.to.MEMBER one member's. Connects, and connects again, on a thread
// of its own; secrets are read anew each time.
class NatsTransport : public BusTransport {
 public:
  static Result<std::unique_ptr<NatsTransport>> create(const NatsSettings& settings);
  ~NatsTransport() override;
  NatsTransport(const NatsTransport&) = delete;
  NatsTransport& operator=(const NatsTransport&) = delete;

  bool send(BusMember to, BusBatch batch) override;
  void announce(const BusHeartbeat& heartbeat) override;
  void probe() override;
  int fd() const override;
  void receive(std::vector<BusArrival>& arrivals) override;
  bool connected() const override;
  std::string problem() const override;
  BusTransportStats stats() const override;

 private:
  class Connection;
  explicit NatsTransport(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace audio_latency
