// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/exchange_rules.h"

#include <algorithm>
#include <utility>

namespace dotcache {
namespace {

using Progress = ExchangeState::Progress;

// How often one server is asked, and how often all together where none said a word.
constexpr int kMaxAsked = 2;
constexpr uint8_t kMaxSilentAttempts = 9;

// A connection lost with so many other queries on it was most likely not lost because of one.
constexpr size_t kCrowd = 8;

bool IsUselessResponse(UpstreamFailure failure) {
  return failure == UpstreamFailure::kMalformed || failure == UpstreamFailure::kNotAnAnswer ||
         failure == UpstreamFailure::kTruncated;
}

// Lost with so many others at an only server, and then again: it was never alone.
bool HasSpareAttempt(const Progress& progress) {
  return progress.order.size() == 1 && progress.lost_in_crowd && progress.losses == 2;
}

// Those that this query could go to and has not.
size_t CountNotAsked(const Progress& progress) {
  return static_cast<size_t>(
      std::count_if(progress.order.begin(), progress.order.end(), [&progress](uint8_t server) {
        return progress.times_asked[server] == 0 && IsHopeful(progress, server);
      }));
}

// How many more attempts there may be.
size_t TriesLeft(const Progress& progress) {
  if (progress.attempts_made == UINT8_MAX) return 0;
  const size_t sent = progress.attempts_made - progress.attempts_not_sent;
  size_t limit = progress.order.size() + 1;
  if (HasSpareAttempt(progress)) limit = std::max(limit, sent + 1);
  const bool all_silent = progress.active.size() == sent;
  if (all_silent && !progress.thrifty) limit = std::max<size_t>(limit, kMaxSilentAttempts);
  return limit - std::min(limit, sent);
}

// All our queries to it are overdue, but it has said something since: they were lost on the way.
bool IsLossy(const Progress& progress, uint8_t server) {
  const MonoTime last_sign = progress.zone->server(server).last_sign();
  const auto lost = std::count_if(progress.active.begin(), progress.active.end(),
                                  [server, last_sign](const ActiveAttempt& attempt) {
                                    return attempt.server == server && attempt.overdue &&
                                           attempt.due <= last_sign;
                                  });
  return lost == progress.times_asked[server];
}

}  // namespace

bool IsErrorResponse(const UpstreamResponse& response) {
  // YXDOMAIN is an answer about a DNAME (RFC 6672 section 2.2).
  return response.facts.kind == ResponseKind::kServFail ||
         (response.facts.kind == ResponseKind::kOtherError &&
          response.facts.rcode != Rcode::kYxDomain);
}

void NoteFailure(Progress& progress, UpstreamFailure failure) {
  progress.saw_useless_response |= IsUselessResponse(failure);
  progress.saw_loop |= failure == UpstreamFailure::kLoop;
  progress.only_overloaded &= failure == UpstreamFailure::kOverloaded;
}

void NoteNotSent(Progress& progress, uint8_t server) {
  --progress.times_asked[server];
  ++progress.attempts_not_sent;
}

void NoteLoss(Progress& progress, size_t others) {
  if (++progress.losses == 1) progress.lost_in_crowd = others >= kCrowd;
}

absl::Status FailureStatus(const Progress& progress) {
  if (progress.saw_useless_response) {
    return absl::DataLossError("the responses of the upstream servers were malformed");
  }
  if (progress.only_overloaded) {
    return absl::ResourceExhaustedError("all connections to the upstream servers are full");
  }
  if (progress.saw_loop) return absl::FailedPreconditionError("a forwarding loop");
  return absl::UnavailableError("no upstream server could be reached");
}

absl::StatusOr<UpstreamResponse> EndOf(Progress& progress, bool too_late) {
  if (progress.error_response.has_value()) return *std::move(progress.error_response);
  const bool none_left = progress.active.empty() && !progress.order.empty();
  if (none_left || (progress.saw_useless_response && !too_late)) return FailureStatus(progress);
  return absl::DeadlineExceededError("no upstream server answered in time");
}

UpstreamServer::SendMode ModeFor(const Progress& progress, uint8_t server) {
  UpstreamServer::SendMode mode;
  mode.fresh = progress.times_asked[server] > 0 && progress.losses > 0;
  mode.alone = progress.losses > 1 || (mode.fresh && !progress.lost_in_crowd);
  return mode;
}

bool MayAskMore(const Progress& progress) { return TriesLeft(progress) > 0; }

bool IsHopeful(const Progress& progress, uint8_t index) {
  const UpstreamServer& server = progress.zone->server(index);
  return !server.unusable() && !server.WasTriedInVain(progress.began);
}

bool MayAskAny(const Progress& progress) {
  return MayAskMore(progress) &&
         std::any_of(progress.order.begin(), progress.order.end(),
                     [&progress](uint8_t server) { return MayAsk(progress, server); });
}

bool MayAsk(const Progress& progress, uint8_t server) {
  const bool only_one = progress.order.size() == 1;
  if ((progress.error_reporters >> server & 1) != 0) return false;
  const bool once_more = HasSpareAttempt(progress) || IsLossy(progress, server);
  const int limit = kMaxAsked + (once_more ? 1 : 0);
  if (progress.times_asked[server] >= limit) return false;
  // The last tries are for those that have not been asked, be they down: they may have been
  // repaired.
  const bool again = progress.times_asked[server] > 0;
  if (again && TriesLeft(progress) <= CountNotAsked(progress)) return false;
  return std::all_of(progress.active.begin(), progress.active.end(),
                     [&progress, server, only_one](const ActiveAttempt& attempt) {
                       return attempt.server != server || (attempt.overdue && !only_one) ||
                              progress.zone->server(server).IsStalled(attempt.id);
                     });
}

}  // namespace dotcache
