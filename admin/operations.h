// SPDX-License-Identifier: Apache-2.0
// What an operator can do with the running program.
#ifndef DOTCACHE_ADMIN_OPERATIONS_H_
#define DOTCACHE_ADMIN_OPERATIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "core/log.h"

namespace dotcache {

// The result of a reload.
struct ReloadReport {
  std::vector<std::string> errors;        // All of them. Not empty: nothing has changed.
  std::vector<std::string> changes;       // "- KEY: VALUE", "+ KEY: VALUE": lines of YAML.
  std::vector<std::string> need_restart;  // Changed settings that keep their value until a restart.
};

// The operations that need more than a Server. Any thread may call them.
class Operations {
 public:
  virtual ~Operations() = default;
  // Reads the whole configuration again and takes it over, if it has no error.
  virtual ReloadReport Reload() = 0;
  // Begins the stop, like SIGTERM.
  virtual void Drain() = 0;
  // Holds until a reload changes the setting.
  virtual void UseLogLevel(LogLevel level) = 0;
  // Queries this provider, or no longer, until the process ends. kNotFound: no provider has this
  // name. kFailedPrecondition: a zone would have no provider left.
  virtual absl::Status UseProvider(const std::string& provider, bool use) = 0;
  virtual bool IsTakenOut(const std::string& provider) const = 0;
};

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_OPERATIONS_H_
