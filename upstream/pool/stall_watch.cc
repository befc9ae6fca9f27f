// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/stall_watch.h"

#include <algorithm>
#include <utility>

namespace dotcache {
namespace {

constexpr int kMinStalledQueries = 2;
constexpr int kMinStalledQueriesOnTrial = 1;

}  // namespace

StallWatch::StallWatch(EventLoop& loop, const UpstreamLimits& limits, const UpstreamHealth& health,
                       UpstreamLinks& links,
                       absl::AnyInvocable<void(const std::vector<Stall>&)> on_stall)
    : loop_(loop),
      limits_(limits),
      health_(health),
      links_(links),
      on_stall_(std::move(on_stall)),
      timer_(loop.NewTimer([this] { Check(); })) {}

void StallWatch::NoteSent(UpstreamLink& link) {
  const bool on_trial = health_.state() == UpstreamHealth::State::kProbation;
  const int enough = on_trial ? kMinStalledQueriesOnTrial : kMinStalledQueries;
  if (++link.unanswered < enough || link.silent()) return;
  if (link.suspect_since != MonoTime()) return;
  link.suspect_since = loop_.Now();
  link.asked_for_life_at = MonoTime();
  const MonoTime ask_at = loop_.Now() + health_.StallTime(limits_) / 2;
  if (!timer_->armed() || ask_at < next_check_) StartTimer(ask_at);
}

void StallWatch::NoteWord(UpstreamLink& link) {
  link.unanswered = 0;
  link.suspect_since = MonoTime();
}

void StallWatch::StartTimer(MonoTime at) {
  next_check_ = at;
  timer_->Start(at - loop_.Now());
}

void StallWatch::Check() {
  const MonoTime now = loop_.Now();
  const Duration stall_time = health_.StallTime(limits_);
  std::vector<Stall> stalls;
  MonoTime next = MonoTime::max();
  for (UpstreamLink& link : links_.all()) {
    if (link.suspect_since == MonoTime()) continue;
    const MonoTime ask_at = link.suspect_since + stall_time / 2;
    if (ask_at > now) {
      next = std::min(next, ask_at);
      continue;
    }
    if (link.asked_for_life_at == MonoTime()) {
      link.asked_for_life_at = now;
      link.connection->AskForSignOfLife();
    }
    // Whoever was asked late, because the loop was busy, has its time all the same.
    const MonoTime due = link.asked_for_life_at + stall_time / 2;
    if (due > now) {
      next = std::min(next, due);
      continue;
    }
    stalls.push_back({link.connection.get(), now - link.suspect_since});
    link.suspect_since = MonoTime();
    link.silence_noted = false;
    link.silent_since = now;
  }
  if (next != MonoTime::max()) StartTimer(next);
  if (!stalls.empty()) on_stall_(stalls);
}

}  // namespace dotcache
