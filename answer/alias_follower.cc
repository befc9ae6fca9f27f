// SPDX-License-Identifier: Apache-2.0
#include "answer/alias_follower.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "dns/message_header.h"

namespace dotcache {
namespace {

// A part that is about to expire is fetched again, so that the joined answer is kept for longer.
bool IsNew(const CacheEntry& entry, MonoTime now) {
  return (entry.expires_at() - now) * 10 > entry.fresh_for();
}

// The stored form of the records up to the link, and for how long it is fresh.
std::pair<StoredMessage, Seconds> CutAfter(StoredMessage message, const AliasLink& link) {
  MessageHeader header = LoadHeader(message.wire);
  header.flags = static_cast<uint16_t>(header.flags & ~kRcodeMask);
  header.ancount = static_cast<uint16_t>(link.records);
  header.nscount = 0;
  header.arcount = 0;
  StoreHeader(absl::MakeSpan(message.wire), header);
  message.wire.resize(link.end);
  message.ttl_offsets.resize(link.records);
  uint32_t lowest = UINT32_MAX;
  for (const uint16_t offset : message.ttl_offsets) {
    lowest = std::min(lowest, LoadU32(&message.wire[offset]));
  }
  return {std::move(message), Seconds(lowest)};
}

}  // namespace

AliasChain AliasFollower::Begin(const CacheKey& key, MonoTime deadline) {
  const Bytes question = key.question();
  AliasChain chain;
  chain.question.qname = DomainName::FromValidatedWire(question.first(question.size() - 4));
  chain.question.qtype = key.qtype();
  chain.flags = key.flags();
  chain.deadline = deadline;
  chain.next = chain.question;
  return chain;
}

bool AliasFollower::IsElsewhere(const Question& from, const Question& to, bool has_data) const {
  if (zones_ != nullptr) {
    const size_t to_zone = zones_->ZoneOf(to);
    const bool differs = to_zone != zones_->ZoneOf(from);
    // A private server may know names beyond its zone, which must not be forwarded to a provider.
    if (differs && (to_zone != 0 || !has_data)) return true;
  }
  return local_names_ != nullptr && local_names_->Answer(to).has_value();
}

std::optional<AliasLink> AliasFollower::FindCut(const UpstreamResponse& response,
                                                const Question& question) const {
  const ResponseFacts& facts = response.facts;
  const bool has_data = facts.kind == ResponseKind::kAnswer;
  const std::vector<AliasLink> links =
      ReadAliasLinks(KeptPart(response.wire, response.facts), question);
  for (const AliasLink& link : links) {
    if (IsElsewhere(question, {link.target, question.qtype}, has_data)) return link;
  }
  const bool ends_with_alias = facts.kind == ResponseKind::kNoData && !facts.soa_ttl.has_value();
  return ends_with_alias && !links.empty() ? std::make_optional(links.back()) : std::nullopt;
}

bool AliasFollower::IsPart(const UpstreamResponse& response, const Question& question) const {
  return FindCut(response, question).has_value();
}

AliasFollower::Step AliasFollower::Collect(AliasChain& chain, MonoTime now) {
  while (chain.links <= kMaxLinks) {
    if (chain.complete) return Step::kComplete;
    if (absl::c_linear_search(chain.names, chain.next.qname)) return Step::kBroken;
    if (!AddLocal(chain, now) && !AddCached(chain, now)) return Step::kAsk;
  }
  return Step::kBroken;
}

bool AliasFollower::AddLocal(AliasChain& chain, MonoTime now) {
  if (local_names_ == nullptr) return false;
  const auto local = local_names_->Answer(chain.next);
  if (!local.has_value()) return false;
  AddPart(chain, MakeCacheEntry(local->message, {.kind = ResponseKind::kAnswer}, now, Seconds(1)),
          /*ends=*/!local->open);
  return true;
}

bool AliasFollower::AddCached(AliasChain& chain, MonoTime now) {
  const CacheKey key = KeyFor(chain, chain.next);
  if (!chain.parts.empty()) {  // The caller has looked for the client's question.
    const Found found = cache_.Lookup(key, now, /*may_refresh=*/false);
    if (found.state == Found::State::kFresh && IsNew(*found.entry, now)) {
      AddPart(chain, found.entry, /*ends=*/true);
      return true;
    }
  }
  const CacheEntryRef part = cache_.FindPart(key, now);
  if (!part || !IsNew(*part, now)) return false;
  AddPart(chain, part, /*ends=*/false);
  return true;
}

void AliasFollower::Add(AliasChain& chain, const UpstreamResponse& response, MonoTime now) {
  const CacheKey key = KeyFor(chain, chain.next);
  const std::optional<AliasLink> cut = FindCut(response, chain.next);
  if (!cut.has_value()) {
    AddPart(chain, cache_.Store(key, response.wire, response.facts, now), /*ends=*/true);
    return;
  }
  const auto [message, fresh_for] =
      CutAfter(StoreResponse(response.wire, response.facts, cache_.options().ttl_caps), *cut);
  const EntryFacts facts = {.kind = ResponseKind::kAnswer,
                            .upstream_error = response.facts.extended_error};
  const CacheEntryRef entry = MakeCacheEntry(message, facts, now, fresh_for);
  cache_.InsertPart(key, entry, now);
  AddPart(chain, entry, /*ends=*/false);
}

// `ends`: it is the last part. Else the alias at its end leads to the next one.
void AliasFollower::AddPart(AliasChain& chain, CacheEntryRef entry, bool ends) {
  const Bytes wire = entry->view().wire;
  const std::vector<AliasLink> links = ReadAliasLinks(wire, chain.next);
  chain.names.push_back(chain.next.qname);
  chain.links += links.size();
  chain.complete = ends || links.empty();
  if (!chain.complete) chain.next.qname = links.back().target;
  chain.parts.push_back({std::move(entry), LoadHeader(wire).ancount});
}

ExchangeOr<UpstreamResponse> AliasFollower::Join(const AliasChain& chain, MonoTime now) const {
  std::vector<AnswerPart> parts;
  for (const AliasChain::Part& part : chain.parts) {
    parts.push_back({part.entry->view().wire, part.entry->AgeAt(now), part.records});
  }
  std::optional<WireMessage> joined = JoinAnswers(chain.question, parts);
  if (!joined.has_value()) return ExchangeFailure::kAliases;
  auto inspected = InspectResponse(*joined, chain.question);
  ResponseFacts* facts = std::get_if<ResponseFacts>(&inspected);
  if (facts == nullptr) return ExchangeFailure::kAliases;
  facts->extended_error = chain.parts.back().entry->upstream_error();
  return UpstreamResponse{*std::move(joined), std::move(*facts)};
}

}  // namespace dotcache
