// SPDX-License-Identifier: Apache-2.0
#include "upstream/exchange/exchange_table.h"

#include <algorithm>
#include <cassert>
#include <memory>

namespace dotcache {
namespace {

constexpr int kPlaceBits = 24;

// An AttemptId takes eight bits more.
constexpr ExchangeId kIdMask = (ExchangeId{1} << 56) - 1;

size_t PlaceOf(ExchangeId id) { return id & ((uint64_t{1} << kPlaceBits) - 1); }

}  // namespace

void ExchangeRecord::RemoveAttempt(size_t index) {
  const auto offset = static_cast<std::ptrdiff_t>(index);
  attempts.erase(attempts.begin() + offset);
  progress.attempts.erase(progress.attempts.begin() + offset);
}

uint32_t ExchangeRecord::LatestConnectionAt(const UpstreamServer* server) const {
  const auto latest = std::find_if(attempts.rbegin(), attempts.rend(),
                                   [server](const Attempt& a) { return a.server == server; });
  return latest == attempts.rend() ? 0 : latest->place.connection;
}

ExchangeRecord& ExchangeTable::Take() {
  if (free_.empty()) {
    auto place = std::make_unique<ExchangeRecord>();
    ExchangeRecord* exchange = place.get();
    exchange->id = places_.size();
    exchange->timer = loop_.NewTimer([this, exchange] { on_timer_(*exchange); });
    free_.push_back(places_.size());
    places_.push_back(std::move(place));
  }
  ExchangeRecord& exchange = *places_[free_.back()];
  free_.pop_back();
  exchange.taken = true;
  exchange.id = (exchange.id + (ExchangeId{1} << kPlaceBits)) & kIdMask;
  return exchange;
}

void ExchangeTable::Clear(ExchangeRecord& exchange) {
  exchange.waits_for_server = false;
  exchange.timer->Stop();
  exchange.attempts.clear();
  exchange.error_response.reset();
  // In place: g++ 12 warns about the move of an empty InlinedVector.
  std::destroy_at(&exchange.progress);
  std::construct_at(&exchange.progress);
}

void ExchangeTable::Release(ExchangeRecord& exchange) {
  assert(exchange.taken);
  exchange.taken = false;
  exchange.callback.reset();
  Clear(exchange);
  exchange.attempts_made = 0;
  free_.push_back(PlaceOf(exchange.id));
}

ExchangeRecord* ExchangeTable::Find(ExchangeId id) {
  const size_t place = PlaceOf(id);
  if (place >= places_.size()) return nullptr;
  ExchangeRecord& exchange = *places_[place];
  return exchange.taken && exchange.id == id ? &exchange : nullptr;
}

std::pair<ExchangeRecord*, size_t> ExchangeTable::FindByAttempt(AttemptId attempt) {
  ExchangeRecord* exchange = Find(attempt >> 8);
  for (size_t i = 0; exchange != nullptr && i < exchange->attempts.size(); ++i) {
    if (exchange->attempts[i].id == attempt) return {exchange, i};
  }
  return {nullptr, 0};
}

}  // namespace dotcache
