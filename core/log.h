// SPDX-License-Identifier: Apache-2.0
// Log lines with levels and fields, written to standard error with spdlog. One line per change of
// state. A line never contains a query name or a client address.
#ifndef DOTCACHE_CORE_LOG_H_
#define DOTCACHE_CORE_LOG_H_

#include <initializer_list>
#include <string>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace dotcache {

enum class LogLevel { kError, kWarn, kInfo, kDebug };

// "error", "warn", "info" or "debug".
absl::string_view LogLevelName(LogLevel level);

enum class LogForm {
  kText,  // `TIME LEVEL message key=value ...`
  // {"time":"...Z","level":"...","message":"...","fields":{...}}, one object a line.
  kJson,
  kJournal,  // `<PRIORITY>message key=value ...`: the journal has times of its own (sd-daemon(3)).
};

// Initially kText. REQUIRES: no other thread logs during the call.
void SetLogForm(LogForm form);

// Lines below this level are dropped. Safe from any thread. Initially kInfo.
void SetLogLevel(LogLevel level);

// One `key=value` of a log line. Values with spaces or quotes are quoted. Control octets are
// escaped.
struct LogField {
  LogField(absl::string_view field_key, const absl::AlphaNum& field_value)
      : key(field_key), value(field_value.Piece()) {}
  template <typename Integer, std::enable_if_t<std::is_integral_v<Integer>, bool> = true>
  LogField(absl::string_view field_key, Integer field_value)
      : key(field_key), value(absl::StrCat(field_value)), is_number(true) {}
  absl::string_view key;
  std::string value;
  bool is_number = false;  // Without quotes in JSON.
};

// Writes a line. Safe from any thread.
void Log(LogLevel level, absl::string_view message, std::initializer_list<LogField> fields = {});

}  // namespace dotcache

#endif  // DOTCACHE_CORE_LOG_H_
