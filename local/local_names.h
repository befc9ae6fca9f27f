// SPDX-License-Identifier: Apache-2.0
// All names that are answered locally.
#ifndef DOTCACHE_LOCAL_LOCAL_NAMES_H_
#define DOTCACHE_LOCAL_LOCAL_NAMES_H_

#include <memory>
#include <optional>
#include <utility>

#include "local/local_records.h"
#include "local/local_zones.h"

namespace dotcache {

// Answers from local records first, in any zone, then from special-use zones. In such a zone, a
// name of a hosts file exists for the types that its records do not answer. Owns both. Immutable
// and therefore safe from any thread.
class LocalNames {
 public:
  struct Answered {
    StoredMessage message;  // Its age is 0.
    bool from_records;      // False: from a zone.
    bool open = false;      // It ends with an alias whose target has no local records.
  };

  // Either may be null.
  LocalNames(std::unique_ptr<const LocalRecords> records, std::unique_ptr<const LocalZones> zones)
      : records_(std::move(records)), zones_(std::move(zones)) {}

  // nullopt for a question that is not answered locally.
  std::optional<Answered> Answer(const Question& question) const {
    if (records_ != nullptr) {
      bool open = false;
      if (auto message = records_->Answer(question, &open)) {
        return Answered{*std::move(message), true, open};
      }
    }
    if (zones_ != nullptr) {
      const bool has_records = records_ != nullptr && records_->Holds(question.qname);
      if (auto message = zones_->Answer(question, has_records)) {
        return Answered{*std::move(message), false};
      }
    }
    return std::nullopt;
  }

  const LocalRecords* records() const { return records_.get(); }
  bool has_open_aliases() const { return records_ != nullptr && records_->has_open_aliases(); }

 private:
  std::unique_ptr<const LocalRecords> records_;
  std::unique_ptr<const LocalZones> zones_;
};

}  // namespace dotcache

#endif  // DOTCACHE_LOCAL_LOCAL_NAMES_H_
