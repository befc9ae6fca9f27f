// SPDX-License-Identifier: Apache-2.0
#include "core/log.h"

#include "absl/strings/escaping.h"
#include "core/names.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace dotcache {
namespace {

constexpr Named<LogLevel> kLevelNames[] = {{LogLevel::kError, "error"},
                                           {LogLevel::kWarn, "warn"},
                                           {LogLevel::kInfo, "info"},
                                           {LogLevel::kDebug, "debug"}};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kDebug:
      return spdlog::level::debug;
  }
  return spdlog::level::info;
}

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("dotcache",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

std::string Quoted(absl::string_view value) {
  const bool plain = !value.empty() && value.find_first_of(" =\"\\") == absl::string_view::npos;
  std::string escaped = absl::CEscape(value);
  return plain ? escaped : absl::StrCat("\"", escaped, "\"");
}

}  // namespace

absl::string_view LogLevelName(LogLevel level) { return NameOf(kLevelNames, level, "unknown"); }

void SetLogLevel(LogLevel level) { Logger().set_level(ToSpdlog(level)); }

void Log(LogLevel level, absl::string_view message, std::initializer_list<LogField> fields) {
  spdlog::logger& logger = Logger();
  if (!logger.should_log(ToSpdlog(level))) return;
  std::string line(message);
  for (const LogField& field : fields)
    absl::StrAppend(&line, " ", field.key, "=", Quoted(field.value));
  logger.log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace dotcache
