// SPDX-License-Identifier: Apache-2.0
// The part of the configuration that a reload replaces while the server runs.
#ifndef DOTCACHE_SERVER_SERVING_RULES_H_
#define DOTCACHE_SERVER_SERVING_RULES_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "answer/access_policy.h"
#include "answer/answer_times.h"
#include "answer/client_cookies.h"
#include "answer/client_rate.h"
#include "answer/own_answers.h"
#include "answer/query_handler.h"
#include "answer/zone_names.h"
#include "core/mutex.h"
#include "local/local_names.h"
#include "server/server_options.h"

namespace dotcache {

// The zones with upstream servers of their own, the root among them.
std::vector<DomainName> ForwardedZones(const UpstreamOptions& options);

// What the workers consult for each query: clients that are served, names that are answered here,
// cookies, times and limits. Immutable and shared by all workers. A worker uses newer rules from
// one turn of its loop on, so every query is answered by one set of rules.
struct ServingRules {
  // Reads the hosts files and the cookie secrets that `options` names. Random cookie secrets of
  // `previous` are kept, because clients have cookies made from them. So are those of a file that
  // can no longer be read. The tokens of clients are kept if no rate has changed. `previous` may be
  // null.
  static absl::StatusOr<std::shared_ptr<const ServingRules>> Load(const ServerOptions& options,
                                                                  const ServingRules* previous);

  QueryHandler::Rules handler_rules() const {
    return {&access,
            local_names.get(),
            cookies.get(),
            &own_answers,
            &zones,
            answer_times.get(),
            client_rate->enabled() ? client_rate.get() : nullptr};
  }
  size_t local_record_count() const;

  AccessPolicy access;
  std::unique_ptr<const LocalNames> local_names;  // Null if there are no local names.
  OwnAnswers own_answers;
  std::shared_ptr<const ClientCookies> cookies;
  std::shared_ptr<ClientRate> client_rate;
  ServerLimits limits;
  CookieMode cookie_mode;
  std::string cookie_secret_file;  // Empty: the secrets are random.
  ZoneNames zones;
  std::shared_ptr<AnswerTimes> answer_times;  // By number in `zones`.
};

// The rules in force. Any thread may call any function.
class CurrentRules {
 public:
  std::shared_ptr<const ServingRules> Get() const;

  // Loads the rules of `options`. An error changes nothing.
  absl::Status Load(const ServerOptions& options);

  // Frees former rules that no worker uses any more. Workers do not: a million records take longer
  // than a turn of a loop may take.
  void FreeFormer();

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const ServingRules> rules_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<const ServingRules>> former_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace dotcache

#endif  // DOTCACHE_SERVER_SERVING_RULES_H_
