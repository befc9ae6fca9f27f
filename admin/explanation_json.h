// SPDX-License-Identifier: Apache-2.0
// Why a name is asked where it is asked, as JSON.
#ifndef DOTCACHE_ADMIN_EXPLANATION_JSON_H_
#define DOTCACHE_ADMIN_EXPLANATION_JSON_H_

#include <string>

#include "upstream/explanation.h"

namespace dotcache {

// One object; times in milliseconds, null where nothing is known.
std::string RenderExplanation(const NameExplanation& explanation);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_EXPLANATION_JSON_H_
