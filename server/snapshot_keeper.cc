// SPDX-License-Identifier: Apache-2.0
#include "server/snapshot_keeper.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/log.h"
#include "core/siphash.h"
#include "core/status_macros.h"
#include "net/boot_clock.h"
#include "server/serving_rules.h"
#include "server/snapshot_file.h"

namespace dotcache {
namespace {

// Any fixed key: only equality of two hashes matters, and operators choose the input.
constexpr HashSeed kZoneKey = {0x7a6f6e65732d6f66, 0x2d612d6361636865};

uint64_t HashOfText(const std::string& text) {
  return SipHash13(kZoneKey, Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

// The zone and all that tells its servers from others. Their order is of no importance.
std::string TextOf(const UpstreamZoneOptions& zone) {
  std::vector<std::string> servers;
  for (const UpstreamServerOptions& server : zone.servers) {
    const TlsPeerIdentity& identity = server.identity;
    std::string text =
        absl::StrCat(TransportName(server.transport), " ", server.Label(), " ",
                     identity.authentication_name, identity.insecure ? " insecure" : "",
                     identity.legacy_crypto ? " legacy" : "", " ", server.ca_file);
    for (const SpkiPin& pin : identity.pins) {
      absl::StrAppend(&text, " ",
                      absl::BytesToHexString(std::string(pin.sha256.begin(), pin.sha256.end())));
    }
    servers.push_back(std::move(text));
  }
  std::sort(servers.begin(), servers.end());
  return absl::StrCat(zone.zone.Canonical().ToString(), "\n", absl::StrJoin(servers, "\n"));
}

int64_t MillisecondsSince(MonoTime start) {
  return std::chrono::duration_cast<Milliseconds>(BootTime() - start).count();
}

}  // namespace

SnapshotKeeper::Zones::Zones(const UpstreamOptions& upstream)
    : names(ForwardedZones(upstream)), hashes(names.size()) {
  std::vector<std::string> texts;
  for (const UpstreamZoneOptions& zone : upstream.zones) {
    texts.push_back(TextOf(zone));
    const size_t number = names.ZoneOf({zone.zone.Canonical(), QType::kSoa, QClass::kIn});
    hashes[number] = static_cast<uint32_t>(HashOfText(texts.back()));
  }
  std::sort(texts.begin(), texts.end());
  all = HashOfText(absl::StrJoin(texts, "\n\n"));
}

SnapshotKeeper::SnapshotKeeper(const SnapshotOptions& options, const UpstreamOptions& upstream,
                               ResponseCache& cache)
    : options_(options), cache_(cache), zones_(std::make_shared<const Zones>(upstream)) {}

SnapshotKeeper::~SnapshotKeeper() { EndThread(); }

void SnapshotKeeper::Read() {
  if (options_.file.empty()) return;
  WarnIfNotWritable();
  const std::shared_ptr<const Zones> zones = CurrentZones();
  const auto zone_of = [&zones](const Question& question) { return zones->HashOf(question); };
  const SnapshotContext context = {BootTime(), UnixTime(), zone_of, zones->all};
  const absl::StatusOr<SnapshotCounts> counts = ReadFile(context);
  if (absl::IsNotFound(counts.status())) {
    Log(LogLevel::kInfo, "no snapshot: the cache is empty", {{"file", options_.file}});
  } else if (!counts.ok()) {
    Log(LogLevel::kWarn, "snapshot refused: the cache is empty",
        {{"file", options_.file}, {"cause", counts.status().message()}});
  } else {
    Log(LogLevel::kInfo, "snapshot read",
        {{"file", options_.file},
         {"entries", counts->entries},
         {"expired", counts->expired},
         {"other_zones", counts->other_zones},
         {"ms", MillisecondsSince(context.now)}});
  }
}

void SnapshotKeeper::WarnIfNotWritable() const {
  const std::string folder = FolderOf(options_.file);
  if (access(folder.c_str(), W_OK | X_OK) == 0) return;
  Log(LogLevel::kWarn, "snapshots cannot be written",
      {{"folder", folder}, {"cause", std::strerror(errno)}});
}

absl::StatusOr<SnapshotCounts> SnapshotKeeper::ReadFile(const SnapshotContext& context) {
  ASSIGN_OR_RETURN(FileSource source, FileSource::Open(options_.file));
  ASSIGN_OR_RETURN(const SnapshotCounts counts,
                   ReadSnapshot(cache_, context, options_.max_age,
                                [&source](MutableBytes octets) { return source.Read(octets); }));
  absl::Status end = source.CheckAtEnd();
  if (!end.ok()) cache_.Clear();
  if (!end.ok()) return end;
  return counts;
}

void SnapshotKeeper::Start() {
  if (options_.file.empty() || options_.interval == Seconds{0}) return;
  thread_ = std::thread(&SnapshotKeeper::Run, this);
}

void SnapshotKeeper::Run() {
  const std::future<void> end = end_.get_future();
  while (end.wait_for(options_.interval) == std::future_status::timeout) Write(/*is_last=*/false);
}

void SnapshotKeeper::EndThread() {
  if (!thread_.joinable()) return;
  ending_ = true;
  end_.set_value();
  thread_.join();
}

void SnapshotKeeper::Finish() {
  EndThread();
  if (!options_.file.empty()) Write(/*is_last=*/true);
}

void SnapshotKeeper::Write(bool is_last) {
  const std::shared_ptr<const Zones> zones = CurrentZones();
  const auto zone_of = [&zones](const Question& question) { return zones->HashOf(question); };
  const SnapshotContext context = {BootTime(), UnixTime(), zone_of, zones->all};
  const absl::StatusOr<uint64_t> entries = WriteFile(context, is_last);
  if (absl::IsCancelled(entries.status())) return;
  (entries.ok() ? written_ : failed_).Add();
  const std::string error(entries.status().message());
  if (!entries.ok() && error != last_error_) {
    Log(LogLevel::kError, "snapshot not written", {{"cause", error}});
  } else if (entries.ok()) {
    Log(is_last || !last_error_.empty() ? LogLevel::kInfo : LogLevel::kDebug, "snapshot written",
        {{"file", options_.file}, {"entries", *entries}, {"ms", MillisecondsSince(context.now)}});
  }
  last_error_ = error;
}

absl::StatusOr<uint64_t> SnapshotKeeper::WriteFile(const SnapshotContext& context, bool is_last) {
  ASSIGN_OR_RETURN(FileReplacement file,
                   FileReplacement::Begin(options_.file, is_last ? nullptr : &ending_));
  ASSIGN_OR_RETURN(const uint64_t entries, WriteSnapshot(cache_, context, [&file](Bytes octets) {
                     return file.Append(octets);
                   }));
  RETURN_IF_ERROR(file.Commit());
  return entries;
}

void SnapshotKeeper::UseZones(const UpstreamOptions& upstream) {
  auto zones = std::make_shared<const Zones>(upstream);
  const MutexLock lock(zones_mutex_);
  zones_ = std::move(zones);
}

std::shared_ptr<const SnapshotKeeper::Zones> SnapshotKeeper::CurrentZones() const {
  const MutexLock lock(zones_mutex_);
  return zones_;
}

}  // namespace dotcache
