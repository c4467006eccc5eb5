// SPDX-License-Identifier: Apache-2.0
#include "identity_proc.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>

namespace audio_latency {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// What is no UTF-8 becomes U+FFFD. A command is any 15 bytes, and of a longer name the kernel leaves half a character.
std::string valid_utf8(const std::string& text) {
  using Json = nlohmann::json;
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
}

std::string file_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string path_of(const std::string& proc_root, std::uint32_t pid, const char* name) {
  return proc_root + "/" + std::to_string(pid) + "/" + name;
}

// "socket:[12345]" -> 12345
template <typename Number>
std::optional<Number> bracketed(std::string_view link, std::string_view prefix) {
  if (!link.starts_with(prefix) || !link.ends_with(']')) return std::nullopt;
  return number_of<Number>(link.substr(prefix.size(), link.size() - prefix.size() - 1));
}

std::string_view read_link(int directory, const char* name, std::array<char, 64>& buffer) {
  const ssize_t length = readlinkat(directory, name, buffer.data(), buffer.size());
  return length < 0 ? std::string_view{} : std::string_view(buffer.data(), static_cast<std::size_t>(length));
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// "cri-containerd-<id>.scope", "docker-<id>.scope", "libpod-<id>", "<id>"
std::string container_id(std::string_view segment) {
  if (segment.ends_with(".scope")) segment.remove_suffix(6);
  const auto dash = segment.rfind('-');
  if (dash != std::string_view::npos) segment.remove_prefix(dash + 1);
  return segment.size() == 64 && is_hex(segment) ? std::string(segment) : std::string{};
}

// "pod<uid>" or "kubepods-burstable-pod<uid with underscores>.slice"; static pods have a UID of 32 hex digits.
std::string pod_uid(std::string_view segment) {
  if (segment.ends_with(".slice")) segment.remove_suffix(6);
  const auto at = segment.rfind("pod");
  if (at == std::string_view::npos) return {};
  std::string uid(segment.substr(at + 3));
  std::replace(uid.begin(), uid.end(), '_', '-');
  if (uid.size() == 32 && is_hex(uid)) return uid;
  const bool dashed = uid.size() == 36 && uid[8] == '-' && uid[13] == '-' && uid[18] == '-' && uid[23] == '-';
  return dashed ? uid : std::string{};
}

std::optional<ContainerReference> container_of_path(std::string_view path) {
  ContainerReference found;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (const std::string uid = pod_uid(segment); !uid.empty()) found.pod_uid = uid;
    if (const std::string id = container_id(segment); !id.empty()) found.id = id;
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
  }
  if (found.id.empty()) return std::nullopt;
  return found;
}

}  // namespace

std::vector<std::uint32_t> list_processes(const std::string& proc_root) {
  std::vector<std::uint32_t> pids;
  const Directory directory(opendir(proc_root.c_str()));
  if (!directory) return pids;
  while (const dirent* entry = readdir(directory.get())) {
    if (const auto pid = number_of<std::uint32_t>(entry->d_name)) pids.push_back(*pid);
  }
  std::sort(pids.begin(), pids.end());
  return pids;
}

std::optional<ProcessDescription> describe_process(const std::string& proc_root, std::uint32_t pid) {
  const std::string text = file_text(path_of(proc_root, pid, "stat"));
  // The command stands in parentheses and may hold some itself: the last one ends it (proc(5)).
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  ProcessDescription process{pid, 0, valid_utf8(text.substr(open + 1, close - open - 1))};
  std::istringstream rest(text.substr(close + 1));
  std::string field;
  for (int number = 3; number <= 22 && rest >> field; ++number) {
    if (number == 22) process.start_time = number_of<std::uint64_t>(field).value_or(0);
  }
  return process;
}

std::optional<std::uint64_t> network_namespace(const std::string& proc_root, std::uint32_t pid) {
  std::array<char, 64> buffer{};
  const std::string path = path_of(proc_root, pid, "ns/net");
  return bracketed<std::uint64_t>(read_link(AT_FDCWD, path.c_str(), buffer), "net:[");
}

InodeOwners owners_of_sockets(const std::string& proc_root, const std::vector<std::uint32_t>& pids,
                              const std::unordered_set<std::uint32_t>& wanted) {
  InodeOwners owners;
  std::array<char, 64> buffer{};
  for (const std::uint32_t pid : pids) {
    const Directory directory(opendir(path_of(proc_root, pid, "fd").c_str()));
    if (!directory) {
      owners.refused += errno == EACCES ? 1 : 0;
      continue;
    }
    while (const dirent* entry = readdir(directory.get())) {
      const auto link = read_link(dirfd(directory.get()), entry->d_name, buffer);
      const auto inode = bracketed<std::uint32_t>(link, "socket:[");
      if (!inode || !wanted.contains(*inode)) continue;
      const auto [owner, fresh] = owners.pid_of.try_emplace(*inode, pid);
      if (!fresh && owner->second == 1) owner->second = pid;
    }
  }
  return owners;
}

std::optional<ContainerReference> container_of_cgroup(const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    // "hierarchy:controllers:path" (cgroups(7))
    const auto second = line.find(':', line.find(':') + 1);
    if (second == std::string::npos) continue;
    if (auto found = container_of_path(std::string_view(line).substr(second + 1))) return found;
  }
  return std::nullopt;
}

std::optional<ContainerReference> container_of_process(const std::string& proc_root, std::uint32_t pid) {
  return container_of_cgroup(file_text(path_of(proc_root, pid, "cgroup")));
}

}  // namespace audio_latency
