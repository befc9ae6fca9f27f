// SPDX-License-Identifier: Apache-2.0
#include "local/local_data.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "local/hosts_file.h"

namespace dotcache {
namespace {

constexpr size_t kMaxFileSize = size_t{64} << 20;
constexpr size_t kMaxErrors = 20;

class Loader {
 public:
  explicit Loader(const LocalDataOptions& options)
      : ttl_(static_cast<uint32_t>(options.ttl.count())), cancelled_(options.cancelled) {}

  // Call this before AddFile(): no PTR is made from a hosts file for a name with a PTR or CNAME
  // from a text.
  void AddText(int index, const std::string& text) {
    const auto record = ParseRecordText(text, ttl_);
    const absl::Status status = record.ok() ? builder_.Add(*record) : record.status();
    if (!status.ok()) Fail("", index, status.message());
    if (!record.ok()) return;
    if (record->type == QType::kPtr || record->type == QType::kCname) {
      written_.insert(record->owner.Canonical());
    }
  }

  void AddFile(const std::string& path) {
    // The type is checked before the file is opened, because opening a FIFO would wait for a
    // writer.
    struct stat status_of_file = {};
    if (stat(path.c_str(), &status_of_file) != 0) return FailToRead(path);
    if (!S_ISREG(status_of_file.st_mode)) return Fail(path, -1, "is not a regular file");
    if (static_cast<size_t>(status_of_file.st_size) > kMaxFileSize) {
      return Fail(path, -1, "is larger than 64 MiB");
    }
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return FailToRead(path);
    std::string line;
    for (int number = 1; std::getline(stream, line); ++number) {
      const absl::Status status = AddLine(line);
      if (!status.ok()) Fail(absl::StrCat(path, ":", number), -1, status.message());
      if (result_.errors.size() >= kMaxErrors) return;
      if (IsCancelled()) return Fail(path, -1, "the load was cancelled");
    }
    if (stream.bad()) Fail(path, -1, "cannot be read: the disk failed");
  }

  void Fail(absl::string_view place, int record, absl::string_view message) {
    if (result_.errors.size() >= kMaxErrors) return;
    result_.errors.push_back({std::string(place), record, std::string(message)});
  }

  LoadedLocalData Finish() {
    std::vector<std::string> problems;
    if (!IsCancelled()) builder_.Check(problems);
    for (const std::string& problem : problems) Fail("", -1, problem);
    if (result_.errors.empty()) result_.records = builder_.Build(ttl_);
    return std::move(result_);
  }

 private:
  void FailToRead(const std::string& path) {
    Fail(path, -1, absl::StrCat("cannot be read: ", std::strerror(errno)));
  }

  absl::Status AddLine(absl::string_view line) {
    auto parsed = ParseHostsLine(line);
    if (!parsed.ok() || !parsed->address.has_value()) return parsed.status();
    const Endpoint& address = *parsed->address;
    ResourceRecord record;
    record.ttl = ttl_;
    record.type = address.is_v6() ? QType::kAaaa : QType::kA;
    record.rdata.assign(address.octets().begin(), address.octets().end());
    for (const DomainName& name : parsed->names) {
      record.owner = name;
      if (absl::Status status = builder_.Add(record, RecordSource::kHostsFile); !status.ok()) {
        return status;
      }
    }
    if (address.is_wildcard()) return absl::OkStatus();
    const DomainName reverse = ReverseName(address);
    if (written_.contains(reverse) || builder_.Has(reverse, QType::kPtr)) {
      return absl::OkStatus();
    }
    const Bytes target = parsed->names.front().wire();
    return builder_.Add({reverse, QType::kPtr, ttl_, WireMessage(target.begin(), target.end())},
                        RecordSource::kHostsFile);
  }

  bool IsCancelled() const { return cancelled_ != nullptr && *cancelled_; }

  const uint32_t ttl_;
  const std::atomic<bool>* const cancelled_;
  LocalRecords::Builder builder_;
  absl::flat_hash_set<DomainName> written_;  // Names with a PTR or CNAME from a text.
  LoadedLocalData result_;
};

}  // namespace

LoadedLocalData LoadLocalData(const LocalDataOptions& options) {
  if (options.hosts_files.empty() && options.records.empty()) return {};
  Loader loader(options);
  for (size_t i = 0; i < options.records.size(); ++i) {
    loader.AddText(static_cast<int>(i), options.records[i]);
  }
  if (options.hosts_files.size() > LocalDataOptions::kMaxHostsFiles) {
    loader.Fail("", -1,
                absl::StrCat("more than ", LocalDataOptions::kMaxHostsFiles, " hosts files"));
    return loader.Finish();
  }
  for (const std::string& path : options.hosts_files) loader.AddFile(path);
  return loader.Finish();
}

}  // namespace dotcache
