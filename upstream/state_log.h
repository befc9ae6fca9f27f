// The log line about a server that went down or came back.
#ifndef DOTCACHE_UPSTREAM_STATE_LOG_H_
#define DOTCACHE_UPSTREAM_STATE_LOG_H_

#include "absl/strings/string_view.h"
#include "upstream/upstream_failure.h"
#include "upstream/upstream_options.h"

namespace dotcache {

// `failure` and `cause` are why it went down; of no meaning when it is `up`.
void LogStateChange(const UpstreamServerOptions& server, bool up, UpstreamFailure failure,
                    absl::string_view cause);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_STATE_LOG_H_
