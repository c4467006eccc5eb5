// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "capture_interfaces.hpp"

namespace audio_latency {
namespace {

struct Route {
  std::uint32_t metric = 0;
  std::string interface;
};

// Interface, destination, gateway, flags, reference count, use, metric, mask, …; addresses in hexadecimal.
void read_ipv4(const std::string& path, std::vector<Route>& routes) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);  // the headings
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string interface, destination, gateway, flags, references, uses, mask;
    std::uint32_t metric = 0;
    fields >> interface >> destination >> gateway >> flags >> references >> uses >> metric >> mask;
    if (!fields || destination != "00000000") break;  // lowest first: the rest, maybe a million lines, is of no use
    if (mask == "00000000") routes.push_back({metric, interface});
  }
}

// Destination, its prefix length, source, its prefix length, next hop, metric, reference count, use, flags, interface.
// The kernel's own catch-all entry for unreachable destinations lies on `lo`.
void read_ipv6(const std::string& path, std::vector<Route>& routes) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string destination, prefix, source, source_prefix, hop, metric, references, uses, flags, interface;
    fields >> destination >> prefix >> source >> source_prefix >> hop >> metric >> references >> uses >> flags >>
        interface;
    const bool anywhere = fields && prefix == "00" && destination.find_first_not_of('0') == std::string::npos;
    if (anywhere && interface != "lo") {
      routes.push_back({static_cast<std::uint32_t>(std::strtoul(metric.c_str(), nullptr, 16)), interface});
    }
  }
}

}  // namespace

std::vector<std::string> default_route_interfaces(const std::string& proc) {
  std::vector<Route> routes;
  read_ipv4(proc + "/net/route", routes);
  const std::size_t ipv4 = routes.size();
  read_ipv6(proc + "/net/ipv6_route", routes);
  const auto cheaper = [](const Route& left, const Route& right) { return left.metric < right.metric; };
  std::stable_sort(routes.begin(), routes.begin() + static_cast<std::ptrdiff_t>(ipv4), cheaper);
  std::stable_sort(routes.begin() + static_cast<std::ptrdiff_t>(ipv4), routes.end(), cheaper);
  std::vector<std::string> names;
  for (const Route& route : routes) {
    if (std::find(names.begin(), names.end(), route.interface) == names.end()) names.push_back(route.interface);
  }
  return names;
}

}  // namespace audio_latency
