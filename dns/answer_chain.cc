// SPDX-License-Identifier: Apache-2.0
#include "dns/answer_chain.h"

#include <algorithm>
#include <iterator>
#include <vector>

namespace dotcache {
namespace {

// True for types that may exist beside a CNAME. A query for one of them gets the data of the alias
// itself (RFC 2181 section 10.1, RFC 4034 sections 3 and 4).
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
  related_.resize(count_, false);
}

bool AnswerChain::Follow() {
  while (name_hashes_.size() <= kMaxChainLinks) {
    name_hashes_.push_back(HashName(end_));
    const std::optional<size_t> cname = FindCname();
    if (!cname.has_value()) return false;
    const bool has_cname = *cname < count_;
    ReadRecordsOfEnd(has_cname && !StandsBesideCname(question_.qtype));
    // With QTYPE CNAME, the DNAME that produced the CNAME also takes part.
    if (found_ && !has_cname) return true;
    std::optional<DomainName> substituted;
    if (!Substitute(substituted)) return false;
    if (!has_cname && !substituted.has_value()) return true;
    const DomainName next = has_cname ? TargetName(response_, records_[*cname]) : *substituted;
    // A CNAME below a DNAME must be the one that the DNAME produces (RFC 6672 section 3.1).
    if (substituted.has_value() && !(*substituted == next)) return false;
    if (found_) return true;
    end_ = next;
  }
  return false;
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
    if (record.covered == QType::kCname) related_[i] = true;
    if (is_alias) continue;
    if (IsAsked(record.type)) found_ = true;
    if (IsAsked(record.type) || IsAsked(record.covered)) related_[i] = true;
  }
}

bool AnswerChain::Substitute(std::optional<DomainName>& substituted) {
  if (dnames_.size() > kMaxChainLinks) return false;
  for (const size_t i : dnames_) {
    const ResponseRecord& record = records_[i];
    const DomainName owner = OwnerName(response_, record);
    if (owner == end_ || !end_.IsAtOrBelow(owner)) continue;
    related_[i] = true;
    if (record.type != QType::kDname || substituted.has_value()) continue;
    const DomainName target = TargetName(response_, record);
    const Bytes prefix = end_.wire().first(end_.size() - owner.size());
    if (prefix.size() + target.size() > kMaxNameSize) return false;
    std::vector<uint8_t> octets(prefix.begin(), prefix.end());
    octets.insert(octets.end(), target.wire().begin(), target.wire().end());
    substituted = DomainName::FromValidatedWire(octets);
  }
  return true;
}

}  // namespace dotcache
