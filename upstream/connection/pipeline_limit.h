// SPDX-License-Identifier: Apache-2.0
// Whether a server works on several queries of a connection at a time.
#ifndef DOTCACHE_UPSTREAM_CONNECTION_PIPELINE_LIMIT_H_
#define DOTCACHE_UPSTREAM_CONNECTION_PIPELINE_LIMIT_H_

#include "core/clock.h"

namespace dotcache {

// Detects a server that drops, or answers late, a query that arrives while it works on another
// query of the connection. Such queries are overdue much more often than others. Then connections
// carry one query at a time, for a minute. A query without an answer anywhere does not count: its
// name may have none. One for each server; not thread-safe.
class PipelineLimit {
 public:
  // True if a connection carries one query at a time.
  bool IsOne(MonoTime now) const { return now < until_; }

  // True if a query that met another one was overdue lately, so that one may be lost for this
  // reason.
  bool IsDoubtful() const { return met_.overdue > 0; }

  // A query was answered in time, or was not but was answered later or elsewhere. `met_another`:
  // the server was working on another when it came.
  void NoteAnswered(bool met_another) { Add(met_another ? met_ : alone_, 0); }
  void NoteOverdue(bool met_another, MonoTime now) {
    Add(met_another ? met_ : alone_, 1);
    const bool often = met_.overdue >= 8 && met_.overdue * 4 >= met_.all;
    const bool seldom = alone_.all >= 4 && alone_.overdue * 8 <= alone_.all;
    if (!often || !seldom) return;
    until_ = now + Seconds(60);
    met_ = {};
  }

 private:
  struct Counts {
    int all = 0;
    int overdue = 0;
  };
  // The latest about 64 count.
  static void Add(Counts& counts, int overdue) {
    ++counts.all;
    counts.overdue += overdue;
    if (counts.all < 64) return;
    counts.all /= 2;
    counts.overdue /= 2;
  }

  Counts met_;
  Counts alone_;
  MonoTime until_;
};

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_CONNECTION_PIPELINE_LIMIT_H_
