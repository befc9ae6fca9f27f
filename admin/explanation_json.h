// SPDX-License-Identifier: Apache-2.0
// The answer of `/explain`, as JSON.
#ifndef DOTCACHE_ADMIN_EXPLANATION_JSON_H_
#define DOTCACHE_ADMIN_EXPLANATION_JSON_H_

#include <string>

#include "upstream/exchange/explanation.h"

namespace dotcache {

// Returns one JSON object. Times are in milliseconds. A time that is not known is null.
std::string RenderExplanation(const NameExplanation& explanation);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_EXPLANATION_JSON_H_
