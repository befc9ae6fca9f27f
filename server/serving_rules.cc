// SPDX-License-Identifier: Apache-2.0
#include "server/serving_rules.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/log.h"
#include "core/status_macros.h"
#include "server/file_watch.h"

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
  const std::string& file = options.cookie_secret_file;
  const bool same = previous != nullptr && previous->cookie_secret_file == file &&
                    previous->cookie_mode == options.cookies;
  if (same && file.empty()) return previous->cookies;
  RETURN_IF_ERROR(FileWatch({file}).CheckRegular());
  const absl::StatusOr<CookieSecrets> secrets = LoadCookieSecrets(file);
  if (same && absl::IsNotFound(secrets.status())) {
    Log(LogLevel::kWarn, "cookie secrets not reloaded; the previous ones stay in use",
        {{"cause", secrets.status().message()}});
    return previous->cookies;
  }
  RETURN_IF_ERROR(secrets.status());
  return std::make_shared<const ClientCookies>(options.cookies, *secrets);
}

std::shared_ptr<ClientRate> LoadClientRate(const ClientRateOptions& options,
                                           const AccessPolicy& access,
                                           const ServingRules* previous) {
  const std::vector<EventRate>& others = access.client_rates();
  if (previous != nullptr && previous->client_rate->HasRates(options, others)) {
    return previous->client_rate;
  }
  return std::make_shared<ClientRate>(options, others);
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
  AccessPolicy access(options.allow_from, options.access);
  auto client_rate = LoadClientRate(options.client_rate, access, previous);
  ZoneNames zones(ForwardedZones(options.upstream),
                  previous == nullptr ? nullptr : &previous->zones);
  const bool same_size = previous != nullptr && previous->zones.size() == zones.size();
  auto answer_times =
      same_size ? previous->answer_times : std::make_shared<AnswerTimes>(zones.size());
  return std::shared_ptr<const ServingRules>(
      new ServingRules{std::move(access), std::move(local_names), OwnAnswers(options.own_answers),
                       std::move(cookies), std::move(client_rate), options.limits, options.cookies,
                       options.cookie_secret_file, std::move(zones), std::move(answer_times)});
}

size_t ServingRules::local_record_count() const {
  if (local_names == nullptr || local_names->records() == nullptr) return 0;
  return local_names->records()->record_count();
}

std::shared_ptr<const ServingRules> CurrentRules::Get() const {
  const MutexLock lock(mutex_);
  return rules_;
}

absl::Status CurrentRules::Load(const ServerOptions& options) {
  const std::shared_ptr<const ServingRules> previous = Get();
  ASSIGN_OR_RETURN(std::shared_ptr<const ServingRules> next,
                   ServingRules::Load(options, previous.get()));
  const MutexLock lock(mutex_);
  if (rules_ != nullptr) former_.push_back(std::move(rules_));
  rules_ = std::move(next);
  return absl::OkStatus();
}

void CurrentRules::FreeFormer() {
  std::vector<std::shared_ptr<const ServingRules>> unused;  // Freed after the lock is released.
  const MutexLock lock(mutex_);
  for (auto& rules : former_) {
    if (rules.use_count() == 1) unused.push_back(std::move(rules));
  }
  std::erase(former_, nullptr);
}

}  // namespace dotcache
