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

ActiveAttempt* ExchangeState::Progress::FindActive(AttemptId attempt) {
  const auto found = std::find_if(active.begin(), active.end(),
                                  [attempt](const auto& other) { return other.id == attempt; });
  return found == active.end() ? nullptr : &*found;
}

ExchangeState& ExchangeTable::Take() {
  if (free_.empty()) {
    auto place = std::make_unique<ExchangeState>();
    ExchangeState* exchange = place.get();
    exchange->id = places_.size();
    exchange->timer = loop_.NewTimer([this, exchange] { on_timer_(*exchange); });
    free_.push_back(places_.size());
    places_.push_back(std::move(place));
  }
  ExchangeState& exchange = *places_[free_.back()];
  free_.pop_back();
  exchange.taken = true;
  exchange.id = (exchange.id + (ExchangeId{1} << kPlaceBits)) & kIdMask;
  return exchange;
}

void ExchangeTable::Release(ExchangeState& exchange) {
  assert(exchange.taken);
  exchange.taken = false;
  exchange.timer->Stop();
  exchange.callback.reset();
  // In place: g++ 12 takes the move of an empty InlinedVector for a read of its storage.
  std::destroy_at(&exchange.progress);
  std::construct_at(&exchange.progress);
  free_.push_back(PlaceOf(exchange.id));
}

ExchangeState* ExchangeTable::Find(ExchangeId id) {
  const size_t place = PlaceOf(id);
  if (place >= places_.size()) return nullptr;
  ExchangeState& exchange = *places_[place];
  return exchange.taken && exchange.id == id ? &exchange : nullptr;
}

}  // namespace dotcache
