// SPDX-License-Identifier: Apache-2.0
// The replies of the control socket as text for people.
#ifndef DOTCACHE_ADMIN_CONTROL_TEXT_H_
#define DOTCACHE_ADMIN_CONTROL_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace dotcache {

// Renders the JSON of a reply: the elements of a list of maps as a table with aligned columns,
// other members as `name: value` lines. Returns the JSON itself if it is none. Pure.
std::string RenderForPeople(absl::string_view json);

// The same for the reply of `/explain`, with one or two lines for each server.
std::string RenderExplanationForPeople(absl::string_view json);

// The text of the member `error` of a reply, or the whole reply without one.
std::string ErrorOf(absl::string_view json);

}  // namespace dotcache

#endif  // DOTCACHE_ADMIN_CONTROL_TEXT_H_
