// SPDX-License-Identifier: Apache-2.0
#include "sink_metrics_process.hpp"

#include <prometheus/metric_family.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace audio_latency {
namespace {

// Fields of /proc/PID/stat behind the program's name, which may hold blanks and brackets (proc(5)).
struct Stat {
  double cpu_seconds = 0;
  double threads = 0;
  double start_seconds_after_boot = 0;
  double virtual_bytes = 0;
  double resident_bytes = 0;
};

std::optional<Stat> read_stat(const std::string& path) {
  std::ifstream file(path);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // state … cmajflt
  double user = 0, system = 0, start = 0, pages = 0;
  Stat stat;
  fields >> user >> system >> skipped >> skipped >> skipped >> skipped >> stat.threads >> skipped >> start >>
      stat.virtual_bytes >> pages;
  if (!fields) return std::nullopt;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  stat.cpu_seconds = (user + system) / ticks;
  stat.start_seconds_after_boot = start / ticks;
  stat.resident_bytes = pages * static_cast<double>(sysconf(_SC_PAGESIZE));
  return stat;
}

std::optional<double> boot_time(const std::string& path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::strtod(line.c_str() + 6, nullptr);
  }
  return std::nullopt;
}

std::optional<double> open_descriptors(const std::string& path) {
  std::error_code failure;
  const std::filesystem::directory_iterator entries(path, failure);
  if (failure) return std::nullopt;
  return static_cast<double>(std::distance(begin(entries), end(entries)));
}

void add(std::vector<prometheus::MetricFamily>& families, prometheus::MetricType type, const char* name,
         const char* help, double value) {
  prometheus::ClientMetric metric;
  (type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  families.push_back({name, help, type, {metric}});
}

}  // namespace

std::vector<prometheus::MetricFamily> ProcessMetrics::Collect() const {
  using prometheus::MetricType;
  std::vector<prometheus::MetricFamily> families;
  if (const auto stat = read_stat(root_ + "/stat")) {
    add(families, MetricType::Counter, "process_cpu_seconds_total", "CPU time of the daemon, user and system.",
        stat->cpu_seconds);
    add(families, MetricType::Gauge, "process_resident_memory_bytes", "Memory of the daemon that is in RAM.",
        stat->resident_bytes);
    add(families, MetricType::Gauge, "process_virtual_memory_bytes", "Address space of the daemon.",
        stat->virtual_bytes);
    add(families, MetricType::Gauge, "process_threads", "Threads of the daemon.", stat->threads);
    if (const auto boot = boot_time(system_stat_)) {
      add(families, MetricType::Gauge, "process_start_time_seconds", "When the daemon started, Unix time.",
          *boot + stat->start_seconds_after_boot);
    }
  }
  if (const auto open = open_descriptors(root_ + "/fd")) {
    add(families, MetricType::Gauge, "process_open_fds", "Open file descriptors of the daemon.", *open);
  }
  return families;
}

}  // namespace audio_latency
