// SPDX-License-Identifier: Apache-2.0
#include "core/log.h"

#include <ctime>
#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "core/json_text.h"
#include "core/names.h"
#include "spdlog/pattern_formatter.h"
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

// %P of the journal's form: the priority of syslog(3).
class PriorityFlag : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& out) override {
    out.push_back(PriorityOf(message.level));
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<PriorityFlag>();
  }

 private:
  static char PriorityOf(spdlog::level::level_enum level) {
    switch (level) {
      case spdlog::level::err:
        return '3';
      case spdlog::level::warn:
        return '4';
      case spdlog::level::info:
        return '6';
      default:
        return '7';
    }
  }
};

constexpr char kTextPattern[] = "%Y-%m-%dT%H:%M:%S.%e%z %l %v";

constexpr char kJsonPattern[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ",%v})";

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = std::make_shared<spdlog::logger>("dotcache",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern(kTextPattern);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

// Set before other threads log.
LogForm& Form() {
  static LogForm form = LogForm::kText;
  return form;
}

std::string JsonLine(LogLevel level, absl::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string line = absl::StrCat("\"level\":\"", LogLevelName(level), "\",\"message\":");
  AppendJsonText(message, line);
  if (fields.size() == 0) return line;
  line += ",\"fields\":";
  char separator = '{';
  for (const LogField& field : fields) {
    line += std::exchange(separator, ',');
    AppendJsonText(field.key, line);
    line += ':';
    field.is_number ? void(line += field.value) : AppendJsonText(field.value, line);
  }
  return line + "}";
}

std::string Quoted(absl::string_view value) {
  const bool plain = !value.empty() && value.find_first_of(" =\"\\") == absl::string_view::npos;
  std::string escaped = absl::CEscape(value);
  return plain ? escaped : absl::StrCat("\"", escaped, "\"");
}

}  // namespace

absl::string_view LogLevelName(LogLevel level) { return NameOf(kLevelNames, level, "unknown"); }

void SetLogForm(LogForm form) {
  const bool is_json = form == LogForm::kJson;
  auto formatter = std::make_unique<spdlog::pattern_formatter>(
      is_json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local);
  formatter->add_flag<PriorityFlag>('P');
  formatter->set_pattern(is_json ? kJsonPattern
                                 : (form == LogForm::kJournal ? "<%P>%v" : kTextPattern));
  Form() = form;
  Logger().set_formatter(std::move(formatter));
}

void SetLogLevel(LogLevel level) { Logger().set_level(ToSpdlog(level)); }

void Log(LogLevel level, absl::string_view message, std::initializer_list<LogField> fields) {
  spdlog::logger& logger = Logger();
  if (!logger.should_log(ToSpdlog(level))) return;
  std::string line;
  if (Form() == LogForm::kJson) {
    line = JsonLine(level, message, fields);
  } else {
    line = std::string(message);
    for (const LogField& field : fields)
      absl::StrAppend(&line, " ", field.key, "=", Quoted(field.value));
  }
  logger.log(ToSpdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace dotcache
