// SPDX-License-Identifier: Apache-2.0
// Whom an exchange asks next, and what its end is: decisions without effects.
#ifndef DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_RULES_H_
#define DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_RULES_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "upstream/api/exchanger.h"
#include "upstream/api/upstream_failure.h"
#include "upstream/exchange/exchange_table.h"
#include "upstream/pool/upstream_server.h"

// How an exchange goes. The selector puts the zone's N servers in order; the exchange walks that
// order round and round until N+1 attempts were made, passing over servers that are down or full.
// It asks the next server
//   - at once when an attempt fails: connection lost, response malformed or no answer;
//   - once when a server reports an error (SERVFAIL, REFUSED...), because the next may know better;
//     when a second server reports an error, or nobody else is left, the error is the response;
//   - that is down, when those that are up have failed the query: it is probed, at most once a
//     second and by all workers together, and the query goes along. The last tries are kept for
//     such servers. Who has an error in hand waits no longer than their patience. What was lost
//     twice does not go along where the server has to answer on it to be up;
//   - when the attempt's connection has stalled: it says nothing, though several queries wait on
//   it;
//   - once when the attempt takes longer than the best server needs, as long as the budget for such
//     hedges lasts;
//   - soon after something came for the attempt that was not its response;
//   - when an attempt's patience ends.
// In the last four cases the attempt itself goes on: the first usable response wins, whoever sends
// it.
// When a connection is lost, any of the queries on it may be why. Few are sent again each alone, if
// it is to the same server; many together, since the server most likely went away, and those that
// are lost again then each alone, if need be as a third query to an only server (RFC 9520 section
// 3.1 allows three). So no name that makes a server close connections costs another its answer.
// No server is asked more than twice else, nor again after it reported an error. Where all are
// silent few servers are asked twice each, and those that answer others meanwhile three times, 9
// times in all; an exchange that began while an eighth of those allowed were under way has none of
// these attempts beyond N+1, so that names nobody answers take little from the others. An only
// server is not asked again while it works on the question over a connection that is alive. Where
// no server can be connected to, the exchange waits for one until they are known to be dead; where
// some are up and have failed it, until the others have been tried in vain.

namespace dotcache {

// An error that another server may know better about.
bool IsErrorResponse(const UpstreamResponse& response);

// An attempt ended in this failure.
void NoteFailure(ExchangeState::Progress& progress, UpstreamFailure failure);

// The query of an attempt at this server never left.
void NoteNotSent(ExchangeState::Progress& progress, uint8_t server);

// The connection of an attempt was lost, with `others` more on it.
void NoteLoss(ExchangeState::Progress& progress, size_t others);

// What it means that no server gave a response.
absl::Status FailureStatus(const ExchangeState::Progress& progress);

// The result when nothing more can be done: an error that was reported, what was wrong with the
// responses, why no server could be asked, or that none was in time. `too_late`: its deadline has
// passed.
absl::StatusOr<UpstreamResponse> EndOf(ExchangeState::Progress& progress, bool too_late);

// Whether there may be another attempt at all; at this server of the zone; and how.
bool MayAskMore(const ExchangeState::Progress& progress);
bool MayAsk(const ExchangeState::Progress& progress, uint8_t server);
bool MayAskAny(const ExchangeState::Progress& progress);
// Whether anything may be expected of the server: it has an address and a way, and if it is down it
// has not been tried in vain for this exchange, and for a second.
bool IsHopeful(const ExchangeState::Progress& progress, uint8_t server);
UpstreamServer::SendMode ModeFor(const ExchangeState::Progress& progress, uint8_t server);

}  // namespace dotcache

#endif  // DOTCACHE_UPSTREAM_EXCHANGE_EXCHANGE_RULES_H_
