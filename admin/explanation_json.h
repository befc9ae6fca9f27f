// SPDX-License-Identifier: Apache-2.0
// The answer of `/explain`, as JSON.
#ifndef DOTCACHE_ADMIN_EXPLANATION_JSON_H_
#define DOTCACHE_ADMIN_EXPLANATION_JSON_H_

#include <string>

#include "absl/status/statusor.h"
#include "admin/answer_preview.h"
#include "admin/http_message.h"
#include "upstream/exchange/explanation.h"

namespace dotcache {

class Server;

// Explains where the answer to the question of the request would come from, and which servers would
// be queried. The type is A by default. With the parameter `dnssec`, the query has DO. Any thread
// may call it. kInvalidArgument: the parameters are wrong. kUnavailable: the server has not
// started, or is stopping.
absl::StatusOr<std::string> ExplainRequest(const Server& server, const HttpRequest& request);

// Returns one JSON object. `preview` may be null. Times are in milliseconds. A time that is not
// known is null.
std::string RenderExplanation(const Question& question, const AnswerPreview* preview,
                              const NameExplanation& explanation);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_EXPLANATION_JSON_H_
