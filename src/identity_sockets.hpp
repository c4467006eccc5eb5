// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "audio_latency/result.hpp"
#include "identity_snapshot.hpp"

namespace audio_latency {

struct OpenSocket {
  SocketKey key;  // `network` is left 0
  std::uint32_t inode = 0;
};

// TCP connections and UDP sockets, both families, and the addresses of one network namespace.
struct NetworkPicture {
  std::vector<OpenSocket> sockets;
  std::vector<IpAddress> addresses;
};

// Of the calling thread's network namespace, by sock_diag and rtnetlink.
Result<NetworkPicture> picture_of_this_network();
// Of another one: enters it by its file (/proc/PID/ns/net, CAP_SYS_ADMIN) and comes back.
Result<NetworkPicture> picture_of_network(const std::string& namespace_file);

}  // namespace audio_latency
