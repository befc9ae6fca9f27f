// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/life_watch.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace dotcache {
namespace {

constexpr MonoTime kNever = MonoTime::max();

}  // namespace

LifeWatch::LifeWatch(const Context& context, absl::AnyInvocable<void(uint32_t)> on_silent)
    : context_(context),
      on_silent_(std::move(on_silent)),
      timer_(context.loop.NewTimer([this] { Check(); })) {}

void LifeWatch::NoteSent(ServerConnection& connection) {
  const MonoTime now = context_.loop.Now();
  const int unanswered = ++connection.unanswered;
  if (unanswered == 1) connection.unanswered_since = now;
  if (unanswered > 2 || connection.asks > 0 || connection.connection->silent()) return;
  const Duration wait = unanswered == 1 ? context_.health.AttemptTimeout(context_.limits)
                                        : context_.health.StallTime(context_.limits) / 2;
  CheckAt(connection, std::min(connection.check_at, now + wait));
}

void LifeWatch::NoteWord(ServerConnection& connection) {
  connection.unanswered = 0;
  connection.asks = 0;
  connection.trial = false;
  connection.check_at = kNever;
}

void LifeWatch::BeginTrial(ServerConnection& connection) {
  connection.trial = true;
  connection.asks = 0;
  if (connection.unanswered == 0) connection.unanswered_since = context_.loop.Now();
  Ask(connection);
}

Duration LifeWatch::AnswerTime(const ServerConnection& connection) const {
  return connection.trial ? context_.health.TrialTime(context_.limits) / MaxAsks()
                          : context_.health.StallTime(context_.limits) / 2;
}

void LifeWatch::Ask(ServerConnection& connection) {
  ++connection.asks;
  CheckAt(connection, context_.loop.Now() + AnswerTime(connection));
  connection.connection->AskForSignOfLife(context_.life_question);
}

void LifeWatch::CheckAt(ServerConnection& connection, MonoTime at) {
  connection.check_at = at;
  if (timer_->armed() && next_check_ <= at) return;
  next_check_ = at;
  timer_->Start(at - context_.loop.Now());
}

void LifeWatch::Check() {
  const MonoTime now = context_.loop.Now();
  std::vector<uint32_t> silent;
  MonoTime next = kNever;
  for (ServerConnection& connection : context_.connections.all()) {
    if (connection.check_at <= now) {
      if (connection.asks < MaxAsks()) {
        Ask(connection);  // It has the whole time to answer, even if the loop was late.
      } else {
        connection.check_at = kNever;
        silent.push_back(connection.number);
      }
    }
    next = std::min(next, connection.check_at);
  }
  if (next != kNever) {
    next_check_ = next;
    timer_->Start(next - now);
  }
  for (const uint32_t number : silent) on_silent_(number);
}

}  // namespace dotcache
