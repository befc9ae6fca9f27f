// SPDX-License-Identifier: Apache-2.0
// Loads local records from files and texts.
#ifndef DOTCACHE_LOCAL_LOCAL_DATA_H_
#define DOTCACHE_LOCAL_LOCAL_DATA_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "local/local_records.h"

namespace dotcache {

// Settings of local records.
struct LocalDataOptions {
  static constexpr size_t kMaxHostsFiles = 64;

  // Paths of hosts(5) files: at most kMaxHostsFiles, each of at most 64 MiB.
  std::vector<std::string> hosts_files = {};
  // Texts for ParseRecordText().
  std::vector<std::string> records = {};
  // TTL of records from hosts files, of texts without a TTL, and of negative responses.
  Seconds ttl{60};
  // When it becomes true, a load ends with an error. Null: never.
  const std::atomic<bool>* cancelled = nullptr;
};

// One fault in the files or texts.
struct LocalDataError {
  std::string place;  // "FILE:LINE" or "FILE" for a hosts file; empty for records.
  int record = -1;    // Index in LocalDataOptions::records; -1 when the fault is not in one record.
  std::string message;
};

struct LoadedLocalData {
  std::unique_ptr<const LocalRecords> records;  // Null without records, or after an error.
  std::vector<LocalDataError> errors;           // At most 20 errors.
};

// Reads the texts and files, in order. An address in a hosts file gives each name of its line an A
// or AAAA record. The reverse name of the address gets a PTR to the first name of the first line
// with that address. No PTR is made in two cases:
// - the address is unspecified (0.0.0.0 or ::), which block lists use;
// - `records` has a PTR or a CNAME for the reverse name.
//
// Strict: a line that hosts(5) does not allow is an error.
LoadedLocalData LoadLocalData(const LocalDataOptions& options);

}  // namespace dotcache

#endif  // DOTCACHE_LOCAL_LOCAL_DATA_H_
