// SPDX-License-Identifier: Apache-2.0
#include "upstream/hosts/host_resolver.h"

#include <algorithm>
#include <utility>

#include "absl/random/distributions.h"
#include "absl/strings/str_cat.h"

namespace dotcache {
namespace {

constexpr Duration kAskTimeout = Seconds(2);
// How long the first address waits for those of the other family and for the port.
constexpr Duration kGrace = Milliseconds(50);
constexpr Duration kFirstRetry = Seconds(1);
constexpr Duration kLongestRetry = Seconds(60);

Duration RetryAfter(int failures, absl::BitGenRef random) {
  const Duration wait =
      std::min<Duration>(kFirstRetry * (1 << std::min(failures, 6)), kLongestRetry);
  return std::chrono::duration_cast<Duration>(wait * absl::Uniform(random, 0.75, 1.25));
}

std::string TextOf(ExchangeFailure failure) {
  switch (failure) {
    case ExchangeFailure::kTimeout:
      return "no bootstrap server answered in time";
    case ExchangeFailure::kUnreachable:
      return "no bootstrap server could be reached";
    default:
      return absl::StrCat("bootstrap: ", ExchangeFailureText(failure));
  }
}

std::string CauseOf(const ExchangeOr<UpstreamResponse>& response) {
  if (response.ok()) return absl::StrCat("answered ", RcodeName(response->facts.rcode));
  return TextOf(response.failure());
}

}  // namespace

HostResolver::HostResolver(EventLoop& loop, Exchanger& exchanger, const std::vector<Host>& hosts,
                           absl::BitGenRef random, Delegate& delegate)
    : loop_(loop), exchanger_(exchanger), random_(random), delegate_(delegate) {
  for (const Host& host : hosts) {
    const size_t number = lookups_.size();
    lookups_.push_back(std::make_unique<Lookup>());
    Lookup& lookup = *lookups_.back();
    lookup.host = host;
    lookup.next_round = loop.NewTimer([this, number] { BeginRound(number); });
    lookup.grace = loop.NewTimer([this, number] { OnGraceOver(number); });
  }
}

HostResolver::~HostResolver() { Stop(); }

void HostResolver::Start() {
  for (const auto& lookup : lookups_) {
    if (stopped_ || lookup->asking) continue;
    lookup->next_due = loop_.Now();
    lookup->next_round->Start(Duration::zero());
  }
}

void HostResolver::Stop() {
  stopped_ = true;
  for (const auto& lookup : lookups_) {
    lookup->next_round->Stop();
    lookup->grace->Stop();
    for (const ExchangeId id : std::exchange(lookup->exchanges, {})) exchanger_.Cancel(id);
  }
}

void HostResolver::Hurry(size_t host, Duration interval) {
  Lookup& lookup = *lookups_[host];
  if (stopped_ || lookup.asking || lookup.is_first) return;
  const MonoTime due = lookup.began + interval;
  if (lookup.next_due <= due) return;
  lookup.next_due = due;
  lookup.next_round->Start(due - loop_.Now());
}

void HostResolver::BeginRound(size_t host) {
  Lookup& lookup = *lookups_[host];
  lookup.asking = true;
  lookup.began = loop_.Now();
  lookup.has_answer = false;
  lookup.has_failure = false;
  lookup.cause.clear();
  const DomainName& name = lookup.host.name;
  std::vector<Question> questions = {{name, QType::kAaaa}, {name, QType::kA}};
  const auto service = DomainName::FromText(absl::StrCat("_dns.", name.ToString()));
  if (lookup.host.port == 0 && service.ok()) {
    questions.push_back({service->Canonical(), QType::kSvcb});
  }
  lookup.open = questions.size();
  for (const Question& question : questions) Ask(host, question);
  if (lookup.open == 0) EndRound(host);
}

void HostResolver::Ask(size_t host, const Question& question) {
  Lookup& lookup = *lookups_[host];
  const auto id =
      exchanger_.Exchange({question}, loop_.Now() + kAskTimeout,
                          [this, host, question](const ExchangeOr<UpstreamResponse>& response) {
                            OnResponse(host, question, response);
                          });
  if (id.ok()) {
    lookup.exchanges.push_back(*id);
    return;
  }
  --lookup.open;
  lookup.has_failure = true;
  lookup.cause = TextOf(id.failure());
}

void HostResolver::OnResponse(size_t host, const Question& question,
                              const ExchangeOr<UpstreamResponse>& response) {
  Lookup& lookup = *lookups_[host];
  std::optional<HostRecords> records;
  if (response.ok()) records = ReadHostResponse(response->wire, response->facts, question);
  const bool is_hint = question.qtype == QType::kSvcb;
  if (records.has_value()) {
    lookup.has_answer |= !is_hint || !records->v4.empty() || !records->v6.empty();
    if (!is_hint && lookup.cause.empty()) lookup.cause = "it has no address";
    (is_hint                       ? lookup.known.svcb
     : question.qtype == QType::kA ? lookup.known.a
                                   : lookup.known.aaaa) = std::move(records);
  } else if (!is_hint) {
    lookup.has_failure = true;
    lookup.cause = CauseOf(response);
  }
  if (--lookup.open == 0) return EndRound(host);
  const bool found = !AddressesOf(lookup.known, lookup.host.port).empty();
  if (lookup.is_first && found && !lookup.grace->armed()) lookup.grace->Start(kGrace);
}

// A query may be waiting. A slow denial of the SVCB must not delay the use of an address.
void HostResolver::OnGraceOver(size_t host) {
  Lookup& lookup = *lookups_[host];
  lookup.is_first = false;
  delegate_.OnHostResolved(host, AddressesOf(lookup.known, lookup.host.port));
}

void HostResolver::EndRound(size_t host) {
  Lookup& lookup = *lookups_[host];
  lookup.asking = false;
  lookup.is_first = false;
  lookup.exchanges.clear();
  lookup.grace->Stop();
  const std::vector<Endpoint> addresses = AddressesOf(lookup.known, lookup.host.port);
  const bool resolved = lookup.has_answer && !addresses.empty();
  if (resolved) {
    delegate_.OnHostResolved(host, addresses);
  } else {
    delegate_.OnHostUnresolved(host, lookup.cause);
  }
  if (stopped_) return;
  const bool in_vain = !resolved || delegate_.IsHostUseless(host);
  Duration wait = in_vain ? RetryAfter(lookup.failures, random_) : TtlOf(lookup.known);
  if (lookup.has_failure) wait = std::min(wait, kLongestRetry);  // One family is still unknown.
  lookup.failures = in_vain ? lookup.failures + 1 : 0;
  lookup.next_due = loop_.Now() + wait;
  lookup.next_round->Start(wait);
}

}  // namespace dotcache
