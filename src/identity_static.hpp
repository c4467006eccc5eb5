// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "audio_latency/endpoint.hpp"
#include "audio_latency/result.hpp"

namespace audio_latency {

// One line of NAMES_FILE: every address whose first `prefix_bits` bits (0-128, IPv4 as ::ffff:a.b.c.d) are those of
// `ip`, on `port` (0: on any), is the endpoint `namespace_name`/`name`.
struct StaticName {
  IpAddress ip;
  int prefix_bits = 128;
  std::uint16_t port = 0;
  std::string name;
  std::string namespace_name = "-";
};

// `names:` map of address, address:port or prefix to name or namespace/name (docs/CONFIGURATION.md).
Result<std::vector<StaticName>> read_names_file(const std::string& path);
Result<std::vector<StaticName>> parse_names(const std::string& text, const std::string& file);

// Names from a file, else the bare address. The most specific entry wins: longest prefix, then a given port.
class StaticResolver : public IdentityResolver {
 public:
  explicit StaticResolver(const std::vector<StaticName>& names = {});
  ~StaticResolver() override;

  // Takes other names from now on. Endpoints that keep their name keep their id.
  void replace(const std::vector<StaticName>& names);

  PlacedObservation place(const Observation& observation) override;
  const Endpoint* endpoint(EndpointId id) const override;

 private:
  class Table;
  Placement place(const SocketAddress& address) const;
  EndpointId id_of(const StaticName& name);

  // Ids stay valid for as long as this object lives: a name in use never changes its meaning.
  std::vector<std::unique_ptr<const Endpoint>> endpoints_;
  std::map<std::pair<std::string, std::string>, EndpointId> ids_;  // by namespace and name
  std::unique_ptr<Table> table_;
};

// The component of an address that nobody has a name for: one per IP address; 0 for loopback, whose addresses do not
// tell components apart.
ComponentId component_of_address(const IpAddress& ip);

}  // namespace audio_latency
