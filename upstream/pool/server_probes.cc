// SPDX-License-Identifier: Apache-2.0
#include "upstream/pool/server_probes.h"

#include <algorithm>
#include <utility>

#include "upstream/pool/server_status.h"

namespace dotcache {

ServerProbes::ServerProbes(const Context& context, absl::AnyInvocable<bool()> may_probe,
                           absl::AnyInvocable<bool()> open)
    : context_(context),
      may_probe_(std::move(may_probe)),
      open_(std::move(open)),
      timer_(context.loop.NewTimer([this] { OnTimer(); })) {}

void ServerProbes::Now() {
  const bool wanted = context_.health.down() && !stopped_ && may_probe_();
  if (wanted && !context_.connections.HasConnecting()) open_();
  Arm();
}

void ServerProbes::OnDemand() {
  if (!context_.health.down() || context_.connections.HasTrial()) return;
  if (context_.pacing.MayProbe(context_.loop.Now(), certificate_failed())) Now();
}

void ServerProbes::SetUrgent(bool urgent) {
  if (std::exchange(urgent_, urgent) != urgent) Arm();
}

void ServerProbes::Stop() {
  stopped_ = true;
  timer_->Stop();
}

void ServerProbes::OnTimer() {
  if (context_.health.state() == UpstreamHealth::State::kUp || IsUnderWay()) return;
  // A loop may end without a message to this server.
  if (!may_probe_() || !open_()) timer_->Start(ConnectPacing::kInterval);
}

void ServerProbes::Arm() {
  timer_->Stop();
  if (stopped_ || context_.health.state() == UpstreamHealth::State::kUp) return;
  if (IsUnderWay()) return;  // The end of a probe arms the timer.
  const MonoTime now = context_.loop.Now();
  MonoTime due = context_.pacing.begun() + ConnectPacing::kInterval;  // On trial.
  if (context_.health.down()) {
    due = context_.health.next_probe();
    const bool dead = now - in_vain_since() > kDeadAfter || certificate_failed();
    const Duration pace = dead ? ConnectPacing::kProbeInterval : ConnectPacing::kUrgentInterval;
    if (urgent_) due = std::min(due, context_.pacing.begun() + pace);
  }
  timer_->Start(due - now);
}

void ServerProbes::NoteTry() {
  if (tried_since_ <= last_sign_) tried_since_ = context_.loop.Now();
}

MonoTime ServerProbes::in_vain_since() const {
  return tried_since_ > last_sign_ ? tried_since_ : context_.loop.Now();
}

}  // namespace dotcache
