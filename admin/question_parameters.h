// SPDX-License-Identifier: Apache-2.0
// The question in the parameters of a request.
#ifndef DOTCACHE_ADMIN_QUESTION_PARAMETERS_H_
#define DOTCACHE_ADMIN_QUESTION_PARAMETERS_H_

#include "absl/status/statusor.h"
#include "admin/http_message.h"
#include "dns/dns_types.h"
#include "dns/domain_name.h"

namespace dotcache {

struct QuestionParameters {
  DomainName name;            // Canonical.
  QType type = QType::kNone;  // kNone: not given.
};

// Reads `name` and `type`. An error says what is wrong, in words for an operator.
absl::StatusOr<QuestionParameters> ReadQuestion(const HttpRequest& request);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_QUESTION_PARAMETERS_H_
