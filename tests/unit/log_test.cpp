// SPDX-License-Identifier: Apache-2.0
#include "log.hpp"

#include <gtest/gtest.h>

#include "wall_clock.hpp"

namespace audio_latency {
namespace {

constexpr const char* kTime = "2026-01-02T03:04:05.000000006Z";

TEST(Log, WritesOneJsonObjectALine) {
  EXPECT_EQ(json_line(kTime, LogLevel::warn, "attach_error", "no eth7", {{"interface", "eth7"}, {"tries", 2}}),
            R"({"timestamp":"2026-01-02T03:04:05.000000006Z","level":"warn","event_type":"attach_error",)"
            R"("message":"no eth7","interface":"eth7","tries":2})");
}

TEST(Log, WritesTextForPeople) {
  EXPECT_EQ(text_line(kTime, LogLevel::info, "startup", "starts", {{"pid", 7}, {"node", "a"}, {"note", "b c"}}),
            R"(2026-01-02T03:04:05.000000006Z info startup: starts pid=7 node=a note="b c")");
}

TEST(Log, NoStringForgesALineOrBreaksOne) {
  const std::string evil = "a\nb\x1b[2J\xff\"}";
  const std::string json = json_line(kTime, LogLevel::info, "x", evil, {{"field", evil}});
  EXPECT_EQ(json.find('\n'), std::string::npos);
  EXPECT_EQ(json.find('\x1b'), std::string::npos);
  const auto parsed = nlohmann::json::parse(json);
  EXPECT_EQ(parsed["message"], "a\nb\x1b[2J\xef\xbf\xbd\"}");
  const std::string text = text_line(kTime, LogLevel::info, "x", evil, {{"field", evil}});
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(Log, LevelDecidesWhatIsWritten) {
  Log log(LogLevel::warn, LogFormat::json, LogStream::standard_error);
  EXPECT_FALSE(log.writes(LogLevel::info));
  log.set_level(LogLevel::debug);
  EXPECT_TRUE(log.writes(LogLevel::debug));
  EXPECT_FALSE(log.writes(LogLevel::trace));
  testing::internal::CaptureStderr();
  log.event(LogLevel::debug, "a", "b");
  log.event(LogLevel::trace, "c", "d");
  const auto lines = testing::internal::GetCapturedStderr();
  EXPECT_NE(lines.find(R"("event_type":"a")"), std::string::npos);
  EXPECT_EQ(lines.find(R"("event_type":"c")"), std::string::npos);
}

TEST(WallClock, PrintsRfc3339) {
  EXPECT_EQ(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(rfc3339(1'700'000'000'123'456'789), "2023-11-14T22:13:20.123456789Z");
  EXPECT_EQ(rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
}

TEST(WallClock, MapsMonotonicToRealtime) {
  WallClock clock;
  EXPECT_EQ(clock.realtime_ns(42), 42);  // replay: event times are times of day
  clock.measure();
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t expected = now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
  EXPECT_NEAR(static_cast<double>(clock.realtime_ns(monotonic_ns()) - expected), 0, 5e9);
  EXPECT_LT(clock.uncertainty_ns(), 1'000'000'000U);
}

}  // namespace
}  // namespace audio_latency
