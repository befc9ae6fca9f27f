// SPDX-License-Identifier: Apache-2.0
#include "dns/answer_chain.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace dotcache {
namespace {

// Types that an alias may own beside its CNAME. A query for one of them asks for the alias itself
// (RFC 2181 section 10.1, RFC 4034 sections 3 and 4).
bool StandsBesideCname(QType type) {
  constexpr QType kTypes[] = {QType::kCname, QType::kSig,  QType{25},  // KEY
                              QType{30},                               // NXT
                              QType::kRrsig, QType::kNsec, QType::kAny};
  return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

}  // namespace

AnswerChain::AnswerChain(Bytes response, const ResponseRecords& records, const Question& question)
    : response_(response), records_(records), question_(question), end_(question.qname) {
  for (; count_ < records.size() && records[count_].section == Section::kAnswer; ++count_) {
    if (records[count_].covered == QType::kDname) dnames_.push_back(count_);
  }
  places_.resize(count_, kNowhere);
}

AnswerChain::Outcome AnswerChain::Follow() {
  while (name_hashes_.size() <= kMaxChainLinks) {
    name_hashes_.push_back(HashName(end_));
    const std::optional<size_t> cname = FindCname();
    if (!cname.has_value()) return Outcome::kBroken;
    const bool has_cname = *cname < count_;
    ReadRecordsOfEnd(has_cname && !StandsBesideCname(question_.qtype));
    // A CNAME that was asked for still comes with the DNAME that it is made of.
    if (found_ && !has_cname) return Outcome::kComplete;
    const Substitution substitution = Substitute();
    if (substitution.outcome != Outcome::kComplete) {
      return has_cname ? Outcome::kBroken : substitution.outcome;
    }
    if (!has_cname && !substitution.name.has_value()) return Outcome::kComplete;
    const DomainName next =
        has_cname ? TargetName(response_, records_[*cname]) : *substitution.name;
    if (substitution.name.has_value()) {
      if (!(*substitution.name == next)) return Outcome::kBroken;
      if (has_cname) {
        cnames_of_dnames_.push_back({*cname, substitution.dname});
      } else {
        synthesized_.push_back({substitution.dname, end_, next});
        synthesized_places_.push_back(
            static_cast<Place>((name_hashes_.size() - 1) * kKinds + kCname));
      }
    }
    if (found_) return Outcome::kComplete;
    end_ = next;
    // A query for the CNAME of a name below a DNAME is answered by the one that is synthesized.
    if (!has_cname && IsAsked(QType::kCname)) {
      found_ = true;
      return Outcome::kComplete;
    }
  }
  return Outcome::kBroken;
}

void AnswerChain::Relate(size_t index, Kind kind) {
  if (places_[index] != kNowhere) return;
  places_[index] = static_cast<Place>((name_hashes_.size() - 1) * kKinds + kind);
}

bool AnswerChain::IsBefore(size_t a, size_t b) const {
  // The RRsets of an answer to ANY keep their order.
  const bool by_rrset = question_.qtype != QType::kAny;
  const auto key = [this, by_rrset](size_t index) {
    const ResponseRecord& record = records_[index];
    return std::make_tuple(places_[index], by_rrset ? record.covered : QType::kNone,
                           by_rrset && record.type != record.covered);
  };
  return key(a) < key(b);
}

bool AnswerChain::InOrder() const {
  if (!synthesized_.empty()) return false;
  size_t last = count_;
  for (size_t i = 0; i < count_; ++i) {
    if (!IsRelated(i)) continue;
    if (last != count_ && IsBefore(i, last)) return false;
    last = i;
  }
  return true;
}

std::vector<size_t> AnswerChain::Layout() const {
  std::vector<size_t> layout;
  for (size_t i = 0; i < count_; ++i) {
    if (IsRelated(i)) layout.push_back(i);
  }
  std::stable_sort(layout.begin(), layout.end(),
                   [this](size_t a, size_t b) { return IsBefore(a, b); });
  for (size_t n = 0; n < synthesized_.size(); ++n) {
    const auto behind = std::find_if(layout.begin(), layout.end(), [&](size_t index) {
      return index < count_ && places_[index] > synthesized_places_[n];
    });
    layout.insert(behind, records_.size() + n);
  }
  return layout;
}

void AnswerChain::AlignCnameTtls(ResponseRecords& records) const {
  for (const CnameOfDname& pair : cnames_of_dnames_) {
    const size_t owner_hash = records[pair.cname].owner_hash;
    const bool is_signed =
        std::any_of(records.begin(), records.end(), [owner_hash](const ResponseRecord& record) {
          return record.owner_hash == owner_hash && record.covered == QType::kCname &&
                 record.type != QType::kCname;
        });
    if (is_signed) continue;
    for (ResponseRecord& record : records) {  // A server may repeat the CNAME.
      if (record.owner_hash == owner_hash && record.type == QType::kCname) {
        record.ttl = records[pair.dname].ttl;
      }
    }
  }
}

std::optional<size_t> AnswerChain::FindCname() const {
  size_t cname = count_;
  for (size_t i = 0; i < count_; ++i) {
    const ResponseRecord& record = records_[i];
    if (record.type != QType::kCname || record.owner_hash != name_hashes_.back()) continue;
    if (cname == count_) {
      cname = i;
    } else if (!(TargetName(response_, record) == TargetName(response_, records_[cname]))) {
      return std::nullopt;
    }
  }
  return cname;
}

void AnswerChain::ReadRecordsOfEnd(bool is_alias) {
  for (size_t i = 0; i < count_; ++i) {
    const ResponseRecord& record = records_[i];
    if (record.owner_hash != name_hashes_.back()) continue;
    if (record.covered == QType::kCname) Relate(i, kCname);
    if (is_alias) continue;
    if (IsAsked(record.type)) found_ = true;
    if (IsAsked(record.type) || IsAsked(record.covered)) Relate(i, kData);
  }
}

AnswerChain::Substitution AnswerChain::Substitute() {
  Substitution made;
  if (dnames_.size() > kMaxChainLinks) {
    made.outcome = Outcome::kBroken;
    return made;
  }
  for (const size_t i : dnames_) {
    const ResponseRecord& record = records_[i];
    const DomainName owner = OwnerName(response_, record);
    if (owner == end_ || !end_.IsAtOrBelow(owner)) continue;
    Relate(i, kDname);
    if (record.type != QType::kDname || made.name.has_value()) continue;
    const DomainName target = TargetName(response_, record);
    const Bytes prefix = end_.wire().first(end_.size() - owner.size());
    made.dname = i;
    if (prefix.size() + target.size() > kMaxNameSize) {
      made.outcome = Outcome::kNameTooLong;
      continue;
    }
    std::vector<uint8_t> octets(prefix.begin(), prefix.end());
    octets.insert(octets.end(), target.wire().begin(), target.wire().end());
    made.name = DomainName::FromValidatedWire(octets);
  }
  return made;
}

}  // namespace dotcache
