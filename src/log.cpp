// SPDX-License-Identifier: Apache-2.0
#include "log.hpp"

#include <poll.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include "wall_clock.hpp"

namespace audio_latency {
namespace {

std::string_view name_of(LogLevel level) {
  constexpr std::array<std::string_view, 5> names = {"trace", "debug", "info", "warn", "error"};
  return names[static_cast<std::size_t>(level)];
}

spdlog::level::level_enum level_of(LogLevel level) {
  constexpr std::array<spdlog::level::level_enum, 5> levels = {
      spdlog::level::trace, spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err};
  return levels[static_cast<std::size_t>(level)];
}

std::string dumped(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string now_text() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return rfc3339(now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec);
}

bool wants_json(LogFormat format, int descriptor) {
  return format == LogFormat::json || (format == LogFormat::automatic && isatty(descriptor) == 0);
}

// A bare word where that is unambiguous, else a JSON string.
std::string text_value(const nlohmann::ordered_json& value) {
  std::string text = dumped(value);
  if (!value.is_string() || text.find_first_of(" \\=") != std::string::npos || text.size() <= 2) return text;
  return text.substr(1, text.size() - 2);
}

}  // namespace

std::string json_line(std::string_view timestamp, LogLevel level, std::string_view event_type, std::string_view message,
                      const nlohmann::ordered_json& fields) {
  nlohmann::ordered_json line = {
      {"timestamp", timestamp}, {"level", name_of(level)}, {"event_type", event_type}, {"message", message}};
  for (const auto& [name, value] : fields.items()) line[name] = value;
  return dumped(line);
}

std::string text_line(std::string_view timestamp, LogLevel level, std::string_view event_type, std::string_view message,
                      const nlohmann::ordered_json& fields) {
  const std::string escaped = dumped(nlohmann::ordered_json(message));
  std::string line;
  line.append(timestamp).append(" ").append(name_of(level)).append(" ").append(event_type).append(": ");
  line.append(escaped, 1, escaped.size() - 2);
  for (const auto& [name, value] : fields.items()) line.append(" ").append(name).append("=").append(text_value(value));
  return line;
}

Log::Log(LogLevel level, LogFormat format, LogStream stream)
    : descriptor_(stream == LogStream::standard_output ? STDOUT_FILENO : STDERR_FILENO),
      json_(wants_json(format, descriptor_)) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (stream == LogStream::standard_output) {
    sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  }
  logger_ = std::make_shared<spdlog::logger>("audio-latency", std::move(sink));
  logger_->set_pattern("%v");
  // Each line is written when it happens: a pipe's reader must not wait for a full buffer.
  logger_->flush_on(spdlog::level::trace);
  set_level(level);
}

Log::~Log() = default;

void Log::set_level(LogLevel level) {
  logger_->set_level(level_of(level));
}

bool Log::writes(LogLevel level) const {
  return logger_->should_log(level_of(level));
}

// A socket's other end may come back (systemd's journal), a file has none.
bool Log::reader_gone() const {
  struct stat info {};
  if (fstat(descriptor_, &info) != 0 || (!S_ISFIFO(info.st_mode) && !S_ISCHR(info.st_mode))) return false;
  pollfd reader{descriptor_, POLLOUT, 0};
  return poll(&reader, 1, 0) == 1 && (reader.revents & (POLLERR | POLLHUP)) != 0;
}

void Log::event(LogLevel level, std::string_view event_type, std::string_view message,
                const nlohmann::ordered_json& fields) {
  if (!writes(level)) return;
  const auto line = json_ ? json_line : text_line;
  logger_->log(level_of(level), line(now_text(), level, event_type, message, fields));
}

}  // namespace audio_latency
