// SPDX-License-Identifier: Apache-2.0
#include "local/local_records.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "local/local_response.h"

namespace dotcache {
namespace {

constexpr size_t kRecordOverhead = 12;  // Pointer, TYPE, CLASS, TTL, RDLENGTH.

absl::string_view TextOf(Bytes octets) {
  return absl::string_view(reinterpret_cast<const char*>(octets.data()), octets.size());
}
Bytes OctetsOf(absl::string_view text) {
  return Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

// Calls `use(Bytes)` for each RDATA of an RRset.
template <typename Use>
void ForEachItem(absl::string_view items, Use use) {
  for (Bytes rest = OctetsOf(items); !rest.empty();) {
    const size_t size = LoadU16(rest.data());
    use(rest.subspan(2, size));
    rest.remove_prefix(2 + size);
  }
}

DomainName TargetOf(absl::string_view cname_items) {
  return DomainName::FromValidatedWire(OctetsOf(cname_items.substr(2)));
}

}  // namespace

LocalRecords::Builder::Builder() : records_(new LocalRecords) {}

LocalRecords::Builder::~Builder() = default;

absl::Status LocalRecords::Builder::Add(const ResourceRecord& record, RecordSource source) {
  LocalRecords& all = *records_;
  if (all.record_count_ >= kMaxRecords) {
    return absl::InvalidArgumentError(absl::StrCat("more than ", kMaxRecords, " local records"));
  }
  const DomainName name = record.owner.Canonical();
  Rrsets& rrsets = all.names_[std::string(TextOf(name.wire()))];
  auto rrset = std::find_if(rrsets.begin(), rrsets.end(),
                            [&record](const Rrset& r) { return r.type == record.type; });
  if (rrset == rrsets.end()) {
    rrset = rrsets.insert(rrsets.end(), {record.type, source, record.ttl, ""});
  }
  if (source == RecordSource::kText) rrset->source = source;
  rrset->ttl = std::min(rrset->ttl, record.ttl);
  bool known = false;
  size_t octets = kRecordOverhead + record.rdata.size();
  ForEachItem(rrset->items, [&](Bytes item) {
    known |= TextOf(item) == TextOf(record.rdata);
    octets += kRecordOverhead + item.size();
  });
  if (known) return absl::OkStatus();
  if (octets > kMaxRrsetOctets) {
    return absl::InvalidArgumentError(
        absl::StrCat("too many ", QTypeName(record.type), " records at ", record.owner.ToString(),
                     ": the limit for one RRset is ", kMaxRrsetOctets, " octets"));
  }
  uint8_t size[2];
  StoreU16(size, static_cast<uint16_t>(record.rdata.size()));
  absl::StrAppend(&rrset->items, TextOf(Bytes(size, 2)), TextOf(record.rdata));
  ++all.record_count_;
  return absl::OkStatus();
}

bool LocalRecords::Builder::Has(const DomainName& name, QType type) const {
  const Rrsets* rrsets = records_->Find(name.Canonical());
  return rrsets != nullptr && Pick(*rrsets, type) != nullptr;
}

void LocalRecords::Builder::Check(std::vector<std::string>& errors) const {
  for (const auto& [name, rrsets] : records_->names_) {
    if (Pick(rrsets, QType::kCname) == nullptr) continue;
    const std::string error = records_->CnameError(&rrsets);
    if (error.empty()) continue;
    errors.push_back(
        absl::StrCat(DomainName::FromValidatedWire(OctetsOf(name)).ToString(), " ", error));
  }
  std::sort(errors.begin(), errors.end());
}

std::string LocalRecords::CnameError(const Rrsets* rrsets) const {
  const Rrset* first = Pick(*rrsets, QType::kCname);
  if (rrsets->size() > 1 || first->items.size() != 2u + LoadU16(OctetsOf(first->items).data())) {
    return "has a CNAME and other records; a CNAME must be the only record of its name";
  }
  for (int links = 0; links < kMaxChain; ++links) {
    const Rrset* cname = Pick(*rrsets, QType::kCname);
    if (cname == nullptr) return "";
    rrsets = Find(TargetOf(cname->items).Canonical());
    if (rrsets == nullptr) return "";
  }
  return absl::StrCat("is a CNAME in a loop, or in a chain of more than ", kMaxChain, " names");
}

std::unique_ptr<const LocalRecords> LocalRecords::Builder::Build(uint32_t negative_ttl) {
  records_->negative_ttl_ = negative_ttl;
  records_->has_open_aliases_ =
      std::any_of(records_->names_.begin(), records_->names_.end(), [this](const auto& entry) {
        const Rrset* cname = Pick(entry.second, QType::kCname);
        return cname != nullptr && records_->Find(TargetOf(cname->items).Canonical()) == nullptr;
      });
  auto built = std::exchange(records_, std::unique_ptr<LocalRecords>(new LocalRecords));
  return built;
}

std::optional<StoredMessage> LocalRecords::Answer(const Question& question, bool* open) const {
  const Rrsets* rrsets = Find(question.qname);
  if (rrsets == nullptr || !Concerns(*rrsets, question.qtype)) return std::nullopt;
  LocalResponse response(question, Rcode::kNoError);
  DomainName owner = question.qname;
  for (int links = 0; links <= kMaxChain && rrsets != nullptr; ++links) {
    const Rrset* found =
        question.qtype == QType::kAny ? &rrsets->front() : Pick(*rrsets, question.qtype);
    const Rrset* cname = found == nullptr ? Pick(*rrsets, QType::kCname) : nullptr;
    const Rrset* rrset = found != nullptr ? found : cname;
    if (rrset == nullptr) {
      response.AddSoa(owner, negative_ttl_);
      break;
    }
    ForEachItem(rrset->items,
                [&](Bytes rdata) { response.AddAnswer(owner, rrset->type, rrset->ttl, rdata); });
    if (cname == nullptr) break;
    owner = TargetOf(cname->items);
    rrsets = Find(owner.Canonical());
  }
  if (open != nullptr) *open = rrsets == nullptr;
  return response.Take();
}

const LocalRecords::Rrsets* LocalRecords::Find(const DomainName& canonical) const {
  const auto found = names_.find(TextOf(canonical.wire()));
  return found == names_.end() ? nullptr : &found->second;
}

const LocalRecords::Rrset* LocalRecords::Pick(const Rrsets& rrsets, QType type) {
  const auto found = std::find_if(rrsets.begin(), rrsets.end(),
                                  [type](const Rrset& rrset) { return rrset.type == type; });
  return found == rrsets.end() ? nullptr : &*found;
}

// True when the records say what the name has of this type, or that it has none.
bool LocalRecords::Concerns(const Rrsets& rrsets, QType qtype) {
  constexpr QType kTypesOfHosts[] = {QType::kA,    QType::kAaaa, QType::kHttps,
                                     QType::kSvcb, QType::kPtr,  QType::kAny};
  return std::find(std::begin(kTypesOfHosts), std::end(kTypesOfHosts), qtype) !=
             std::end(kTypesOfHosts) ||
         std::any_of(rrsets.begin(), rrsets.end(),
                     [](const Rrset& rrset) { return rrset.source == RecordSource::kText; });
}

}  // namespace dotcache
