// SPDX-License-Identifier: Apache-2.0
#include "admin/answer_preview.h"

#include <chrono>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "answer/extended_errors.h"
#include "cache/entry_reading.h"
#include "cache/response_cache.h"
#include "core/names.h"
#include "server/server.h"
#include "upstream/api/origin_tag.h"

namespace dotcache {
namespace {

// "12 s", rounded up, so that a time that is left is not 0.
std::string InSeconds(Duration time) {
  return absl::StrCat(std::chrono::ceil<Seconds>(time).count(), " s");
}

// "0.4 s", for times that have passed.
std::string Ago(Duration time) {
  const auto tenths = std::chrono::floor<std::chrono::duration<int64_t, std::deci>>(time).count();
  return absl::StrCat(tenths / 10, ".", tenths % 10, " s ago");
}

// The answer of the server itself, if it has one.
bool PreviewLocal(const Server& server, const Question& question, AnswerPreview& preview) {
  const auto rules = server.rules();
  const auto local =
      rules->local_names == nullptr ? std::nullopt : rules->local_names->Answer(question);
  if (local.has_value() && !local->open) {
    preview.from = local->from_records ? "local records" : "local zone";
    preview.why.emplace_back(
        local->from_records ? "A local record has the name (settings `records` and `hosts-file`)."
                            : "The name is in a special-use zone, which is answered here (setting "
                              "`local-zones`).");
    return true;
  }
  if (rules->own_answers.Concerns(question)) {
    preview.from = "this server";
    preview.why.emplace_back("The type ANY is answered with one record (setting `any`).");
    return true;
  }
  preview.why.emplace_back(local.has_value()
                               ? "A local record is an alias whose target is not local."
                               : "No local record and no special-use zone has the name.");
  return false;
}

// The entry that Lookup() chooses, or an empty one.
struct ChosenEntry {
  Peeked peeked;
  bool for_all_types = false;
};

ChosenEntry ChooseEntry(const ResponseCache& cache, const CacheKey& key, MonoTime now) {
  const auto usable = [&](const Peeked& peeked) {
    const auto kept = peeked.entry && peeked.entry->is_failure()
                          ? Duration(cache.options().failure_max_ttl)
                          : Duration(cache.options().stale_max_age);
    return peeked.entry && now < peeked.entry->expires_at() + kept ? peeked : Peeked();
  };
  ChosenEntry chosen{usable(cache.Peek(key))};
  const Peeked& exact = chosen.peeked;
  if ((exact.entry && exact.entry->FreshAt(now) && !exact.entry->is_failure()) ||
      !key.SharesDenials()) {
    return chosen;
  }
  Peeked denial = usable(cache.Peek(key.ForAllTypes()));
  return DenialCounts(exact.entry, denial.entry, now) ? ChosenEntry{denial, true} : chosen;
}

std::string Describe(const Server& server, const ChosenEntry& chosen, MonoTime now) {
  const CacheEntry& entry = *chosen.peeked.entry;
  const std::string origin = OriginOf(server, entry);
  return absl::StrCat("The cache has ", entry.FreshAt(now) ? "fresh" : "stale", " data of kind ",
                      EntryKindName(entry.kind), chosen.for_all_types ? " for all types" : "",
                      origin.empty() ? "" : " from ", origin, ", stored ",
                      Ago(now - entry.stored_at), ".");
}

// A remembered failure, with its cause. Returns false if the servers are queried again.
bool PreviewFailure(const Server& server, const CacheKey& key, const CacheEntry& entry,
                    MonoTime now, AnswerPreview& preview) {
  const std::string cause = FailureCauseText(FailureCauseOf(entry));
  preview.why.push_back(absl::StrCat("The last attempt to resolve the name failed ",
                                     Ago(now - entry.stored_at), cause.empty() ? "" : ": ", cause,
                                     "."));
  if (const auto error = entry.upstream_error(); error.has_value()) {
    preview.why.push_back(absl::StrCat("The server gave the extended error ",
                                       static_cast<int>(error->code),
                                       error->text.empty() ? "" : ": ", error->text, "."));
  }
  if (entry.failures > 1) {
    preview.why.push_back(
        absl::StrCat("It has failed ", static_cast<int>(entry.failures), " times in a row."));
  }
  if (!entry.FreshAt(now)) {
    preview.why.emplace_back("The time for which the failure is remembered is over.");
    return false;
  }
  if (server.rules()->answer_times->MayBeOver(entry, key.name_hash(), now)) {
    preview.why.emplace_back(
        "The same servers have answered another name since, so the name is queried again.");
    return false;
  }
  preview.from = "remembered failure";
  preview.why.push_back(absl::StrCat("The failure is remembered for ",
                                     InSeconds(entry.expires_at() - now), " more, and clients get ",
                                     RcodeName(RememberedError(entry).rcode), "."));
  return true;
}

bool PreviewStale(const Server& server, const Peeked& peeked, MonoTime now,
                  AnswerPreview& preview) {
  const CacheEntry& entry = *peeked.entry;
  preview.why.push_back(absl::StrCat("It expired ", Ago(now - entry.expires_at()), "."));
  const Duration age = now - entry.stored_at;
  if (peeked.refresh_failed && peeked.refresh_age.has_value() && age < *peeked.refresh_age) {
    preview.from = "stale data";
    preview.why.push_back(absl::StrCat(
        "Its last refresh failed or was slow, so it answers at once. The next refresh begins in ",
        InSeconds(*peeked.refresh_age - age), "."));
    return true;
  }
  const auto rules = server.rules();
  preview.why.push_back(
      absl::StrCat("It answers if its refresh fails, or takes longer than ",
                   std::chrono::milliseconds(rules->limits.stale_client_timeout).count(), " ms."));
  return false;
}

bool PreviewCache(const Server& server, const Question& question, uint8_t flags, MonoTime now,
                  AnswerPreview& preview) {
  const ResponseCache& cache = server.cache();
  const CacheKey key({question.qname.Canonical(), question.qtype, QClass::kIn}, (flags & 1) != 0,
                     (flags & 2) != 0, cache.seed());
  const ChosenEntry chosen = ChooseEntry(cache, key, now);
  if (!chosen.peeked.entry) {
    preview.why.emplace_back("The cache has no entry for the question.");
    return false;
  }
  const CacheEntry& entry = *chosen.peeked.entry;
  if (entry.is_failure()) return PreviewFailure(server, key, entry, now, preview);
  preview.why.push_back(Describe(server, chosen, now));
  if (!entry.FreshAt(now)) return PreviewStale(server, chosen.peeked, now, preview);
  preview.from = "cache";
  preview.why.push_back(
      absl::StrCat("It is fresh for ", InSeconds(entry.expires_at() - now), " more."));
  if (chosen.peeked.refresh_failed) {
    preview.why.emplace_back("Its last refresh ahead of time failed or was slow.");
  }
  return true;
}

}  // namespace

AnswerPreview PreviewAnswer(const Server& server, const Question& question, uint8_t flags,
                            MonoTime now) {
  AnswerPreview preview;
  if (PreviewLocal(server, question, preview)) return preview;
  if (PreviewCache(server, question, flags, now, preview)) return preview;
  preview.from = "upstream";
  preview.why.emplace_back("The servers of the zone are queried, in the order below.");
  return preview;
}

std::string OriginOf(const Server& server, const CacheEntry& entry) {
  std::set<std::string> names;
  const std::shared_ptr<const UpstreamPlan> plan = server.upstreams();
  for (const UpstreamServerOptions& upstream : plan->servers) {
    if (OriginTag(upstream.provider) == EntryOrigin(entry)) names.insert(upstream.provider);
  }
  return absl::StrJoin(names, " or ");
}

absl::string_view EntryStateName(const CacheEntry& entry, MonoTime now, Seconds stale_max_age) {
  if (entry.is_failure()) return entry.FreshAt(now) ? "failure" : "expired failure";
  if (entry.FreshAt(now)) return "fresh";
  return now < entry.expires_at() + stale_max_age ? "stale" : "expired";
}

absl::string_view EntryKindName(ResponseKind kind) {
  if (kind == ResponseKind::kAnswer) return "answer";
  if (kind == ResponseKind::kNoData) return "nodata";
  if (kind == ResponseKind::kNxDomain) return "nxdomain";
  return kind == ResponseKind::kServFail ? "failure" : "other";
}

}  // namespace dotcache
