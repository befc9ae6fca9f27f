// SPDX-License-Identifier: Apache-2.0
// Local records from files and texts.
#ifndef DOTCACHE_LOCAL_LOCAL_DATA_H_
#define DOTCACHE_LOCAL_LOCAL_DATA_H_

#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "local/local_records.h"

namespace dotcache {

// What the operator may set about local records.
struct LocalDataOptions {
  std::vector<std::string> hosts_files = {};  // Paths; hosts(5). At most 64, of 64 MiB at most.
  std::vector<std::string> records = {};      // Texts for ParseRecordText().
  // Of records from hosts files, of texts without a TTL, and of negative answers.
  Seconds ttl{60};
};

// One thing that is wrong with them.
struct LocalDataError {
  std::string place;  // "FILE:LINE" or "FILE" for a hosts file; empty for records.
  int record = -1;    // Which of LocalDataOptions::records; -1 where it is none in particular.
  std::string message;
};

struct LoadedLocalData {
  std::unique_ptr<const LocalRecords> records;  // Null when there are none, or on an error.
  std::vector<LocalDataError> errors;           // At most 20.
};

// Reads the files and texts, in order. An address in a hosts file gives an A or AAAA record to each
// name of its line, and its own reverse name a PTR to the first name of the first line with it; not
// the unspecified addresses, which block lists are made of, and not where `records` hold a PTR or a
// CNAME.
// Strict: a line that hosts(5) does not allow is an error, not a gap.
LoadedLocalData LoadLocalData(const LocalDataOptions& options);

}  // namespace dotcache

#endif  // DOTCACHE_LOCAL_LOCAL_DATA_H_
