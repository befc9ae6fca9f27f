// SPDX-License-Identifier: Apache-2.0
#include "server/serving_rules.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/status_macros.h"

namespace dotcache {
namespace {

absl::StatusOr<std::unique_ptr<const LocalNames>> LoadLocalNames(const ServerOptions& options) {
  LoadedLocalData data = LoadLocalData(options.local_data);
  if (!data.errors.empty()) {
    const LocalDataError& first = data.errors.front();
    return absl::InvalidArgumentError(
        absl::StrCat(first.place, first.place.empty() ? "" : ": ", first.message));
  }
  std::unique_ptr<const LocalZones> zones;
  if (options.local_zones) {
    zones =
        std::make_unique<LocalZones>(ForwardedZones(options.upstream), options.local_zones_except);
  }
  if (zones == nullptr && data.records == nullptr) return nullptr;
  return std::make_unique<LocalNames>(std::move(data.records), std::move(zones));
}

absl::StatusOr<std::shared_ptr<const ClientCookies>> LoadCookies(const ServerOptions& options,
                                                                 const ServingRules* previous) {
  const bool keep = previous != nullptr && previous->random_cookie_secrets &&
                    options.cookie_secret_file.empty() && previous->cookie_mode == options.cookies;
  if (keep) return previous->cookies;
  ASSIGN_OR_RETURN(const CookieSecrets secrets, LoadCookieSecrets(options.cookie_secret_file));
  return std::make_shared<const ClientCookies>(options.cookies, secrets);
}

}  // namespace

std::vector<DomainName> ForwardedZones(const UpstreamOptions& options) {
  std::vector<DomainName> zones;
  for (const UpstreamZoneOptions& zone : options.zones) zones.push_back(zone.zone);
  return zones;
}

absl::StatusOr<std::shared_ptr<const ServingRules>> ServingRules::Load(
    const ServerOptions& options, const ServingRules* previous) {
  ASSIGN_OR_RETURN(auto local_names, LoadLocalNames(options));
  ASSIGN_OR_RETURN(auto cookies, LoadCookies(options, previous));
  return std::shared_ptr<const ServingRules>(new ServingRules{
      AccessPolicy(options.allow_from), std::move(local_names), OwnAnswers(options.own_answers),
      std::move(cookies), options.limits, options.cookies, options.cookie_secret_file.empty()});
}

size_t ServingRules::local_record_count() const {
  if (local_names == nullptr || local_names->records() == nullptr) return 0;
  return local_names->records()->record_count();
}

}  // namespace dotcache
