// SPDX-License-Identifier: Apache-2.0
// The options of the query log.
#ifndef DOTCACHE_QUERY_LOG_QUERY_LOG_OPTIONS_H_
#define DOTCACHE_QUERY_LOG_QUERY_LOG_OPTIONS_H_

#include <cstdint>
#include <string>

namespace dotcache {

// Where the records go.
struct QueryLogTarget {
  enum class Kind : uint8_t {
    kOff,
    kStdout,      // Lines of text.
    kFile,        // The same.
    kDnstapFile,  // dnstap in Frame Streams.
    kDnstapUnix,  // The same, to the socket of a reader.
  };
  Kind kind = Kind::kOff;
  std::string path;

  bool is_dnstap() const { return kind == Kind::kDnstapFile || kind == Kind::kDnstapUnix; }
  friend bool operator==(const QueryLogTarget&, const QueryLogTarget&) = default;
};

// How much a record shows of a name or a client.
enum class Disclosure : uint8_t {
  kPlain,
  kHashed,     // A hash with a key that changes every day and at each start.
  kTruncated,  // The last two labels of a name; the /24 or /48 of a client.
};

struct QueryLogOptions {
  QueryLogTarget target;
  int sample = 1;  // One in this many queries is logged.
  // Queries to upstream servers and their responses are logged too.
  bool upstream = false;
  bool json = false;  // Lines are JSON instead of text. It follows `log-format`.
  Disclosure names = Disclosure::kPlain;
  Disclosure clients = Disclosure::kPlain;
};

}  // namespace dotcache

#endif  // DOTCACHE_QUERY_LOG_QUERY_LOG_OPTIONS_H_
