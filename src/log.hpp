// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "audio_latency/options.hpp"

namespace spdlog {
class logger;
}

namespace audio_latency {

enum class LogStream : std::uint8_t { standard_output, standard_error };

// Events, one a line: a JSON object with timestamp, level, event_type, message and the event's own fields, or text. Any
// thread. Strings that are no UTF-8 are repaired, control characters escaped: what a packet or a file says can't forge
// a line.
class Log {
 public:
  // `run` logs to standard output; commands whose results go there log to standard error.
  Log(LogLevel level, LogFormat format, LogStream stream);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void set_level(LogLevel level);
  bool writes(LogLevel level) const;
  // The other end of the pipe or terminal that the log goes to is closed.
  bool reader_gone() const;
  void event(LogLevel level, std::string_view event_type, std::string_view message,
             const nlohmann::ordered_json& fields = nlohmann::ordered_json::object());

 private:
  std::shared_ptr<spdlog::logger> logger_;
  int descriptor_;
  bool json_;
};

// The line of one event, without a line end; `timestamp` as RFC 3339.
std::string json_line(std::string_view timestamp, LogLevel level, std::string_view event_type, std::string_view message,
                      const nlohmann::ordered_json& fields);
std::string text_line(std::string_view timestamp, LogLevel level, std::string_view event_type, std::string_view message,
                      const nlohmann::ordered_json& fields);

}  // namespace audio_latency
