// SPDX-License-Identifier: Apache-2.0
#include "tests/scenarios/scenario_runner.h"

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>

#include "absl/functional/function_ref.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "answer/query_handler.h"
#include "core/status_macros.h"
#include "dns/outgoing_query.h"
#include "local/local_data.h"
#include "tests/support/parsed_message.h"
#include "tests/support/recording_sink.h"
#include "tests/support/scripted_connector.h"
#include "tests/support/simulated_loop.h"
#include "tests/support/test_directory.h"
#include "upstream/exchange/upstream_manager.h"

namespace dotcache {
namespace {

constexpr Milliseconds kTimeoutStep{1};
constexpr Seconds kLongestTimeout{30};

std::vector<std::string> WithoutTtls(const std::vector<std::string>& records) {
  std::vector<std::string> result;
  for (const std::string& record : records) {
    std::vector<std::string> fields = absl::StrSplit(record, ' ');
    fields.erase(fields.begin() + 1);
    result.push_back(absl::StrJoin(fields, " "));
  }
  return result;
}

std::string Field(const std::string& question, size_t index) {
  const std::vector<std::string> fields = absl::StrSplit(question, ' ');
  return index < fields.size() ? fields[index] : "";
}

std::string HexBehindId(Bytes message) {
  const Bytes octets = message.subspan(2);
  return absl::BytesToHexString(std::string(octets.begin(), octets.end()));
}

std::string FlagNames(uint16_t flags) {
  static constexpr std::pair<uint16_t, const char*> kFlags[] = {
      {kFlagQr, "QR"}, {kFlagAa, "AA"}, {kFlagTc, "TC"}, {kFlagRd, "RD"},
      {kFlagRa, "RA"}, {kFlagZ, "Z"},   {kFlagAd, "AD"}, {kFlagCd, "CD"}};
  std::vector<std::string> names;
  for (const auto& [flag, name] : kFlags) {
    if ((flags & flag) != 0) names.push_back(name);
  }
  return absl::StrJoin(names, " ");
}

std::unique_ptr<const LocalRecords> LoadLocalNames(const Scenario& scenario) {
  const TestDirectory directory;
  LocalDataOptions options{.records = scenario.records};
  if (!scenario.hosts.empty()) {
    options.hosts_files.push_back(directory.Write("hosts", absl::StrJoin(scenario.hosts, "\n")));
  }
  return LoadLocalData(options).records;
}

// Compares a message with the entry of a step.
class Matcher {
 public:
  Matcher(const ScenarioEntry& expected, Bytes actual)
      : entry_(expected),
        octets_(actual),
        expected_(ParsedMessage::Parse(expected.message)),
        actual_(ParsedMessage::Parse(actual)) {}

  absl::Status Match() {
    const ParsedMessage& e = expected_;
    const ParsedMessage& a = actual_;
    Compare("opcode", Number(e.header.opcode()), Number(a.header.opcode()));
    Compare("qname", absl::AsciiStrToLower(Field(e.question, 0)),
            absl::AsciiStrToLower(Field(a.question, 0)));
    Compare("qtype", Field(e.question, 2), Field(a.question, 2));
    Compare("question", e.question, a.question);
    Compare("rcode", std::string(RcodeName(e.rcode)), std::string(RcodeName(a.rcode)));
    Compare("flags", FlagNames(e.header.flags), FlagNames(a.header.flags));
    CompareRecords("answer", e.answer, a.answer);
    CompareRecords("authority", e.authority, a.authority);
    CompareRecords("additional", e.additional, a.additional);
    Compare("DO", "DO", a.dnssec_ok ? "DO" : "no DO");
    Compare("noedns", "no OPT", a.has_edns ? "an OPT" : "no OPT");
    Compare("octets", HexBehindId(entry_.octets), HexBehindId(octets_));
    if (!entry_.extended_error.empty()) {
      const std::string code =
          a.extended_error.has_value() ? absl::StrCat(*a.extended_error) : "none";
      if (code != entry_.extended_error) Differ("ede", entry_.extended_error, code);
    }
    return differences_.empty() ? absl::OkStatus() : absl::InternalError(differences_);
  }

 private:
  template <typename Enum>
  static std::string Number(Enum value) {
    return absl::StrCat(static_cast<int>(value));
  }

  void Compare(const char* word, const std::string& expected, const std::string& actual) {
    if (entry_.Matches(word) && expected != actual) Differ(word, expected, actual);
  }

  void CompareRecords(const char* word, const std::vector<std::string>& expected,
                      const std::vector<std::string>& actual) {
    const bool ttl = entry_.Matches("ttl");
    Compare(word, absl::StrJoin(ttl ? expected : WithoutTtls(expected), "\n    "),
            absl::StrJoin(ttl ? actual : WithoutTtls(actual), "\n    "));
  }

  void Differ(const char* word, const std::string& expected, const std::string& actual) {
    absl::StrAppend(&differences_, "\n  ", word, ": expected\n    ", expected,
                    "\n  but it is\n    ", actual);
  }

  const ScenarioEntry& entry_;
  const Bytes octets_;
  const ParsedMessage expected_;
  const ParsedMessage actual_;
  std::string differences_;
};

class Runner {
 public:
  explicit Runner(const Scenario& scenario);
  absl::Status Run();

 private:
  // A query that an upstream server received.
  struct OutQuery {
    int server = 0;
    UpstreamQuery query;
    bool checked = false;
    bool answered = false;
  };

  absl::Status Play(const ScenarioStep& step);
  absl::Status Ask(const ScenarioStep& step);
  absl::Status CheckAnswer(const ScenarioStep& step);
  absl::Status CheckOutQuery(const ScenarioStep& step);
  absl::Status Reply(const ScenarioStep& step);
  absl::Status Timeout();
  OutQuery* FirstOutQuery(absl::FunctionRef<bool(const OutQuery&)> condition);
  absl::StatusOr<int> ServerAt(const std::string& name) const;
  void AddZone(const std::string& zone, const std::vector<std::string>& names);

  const Scenario& scenario_;
  SimulatedLoop loop_;
  ResponseCache cache_{scenario_.cache, HashSeed{1, 2}};
  const AccessPolicy access_{PrivatePrefixes()};
  const ServerLimits limits_ = {.rotate = scenario_.rotate};
  WorkerCounters counters_;
  std::mt19937_64 random_{1};
  std::map<std::string, int> servers_;
  UpstreamOptions options_;
  std::vector<UpstreamCounters> upstream_counters_{64};
  RecordingSink sink_;
  std::unique_ptr<LocalNames> local_names_;
  std::unique_ptr<ZoneNames> zone_names_;
  std::unique_ptr<AnswerTimes> answer_times_;
  std::unique_ptr<ScriptedConnector> connector_;
  std::unique_ptr<UpstreamManager> upstreams_;
  std::unique_ptr<QueryHandler> handler_;

  uint16_t next_id_ = 1;
  std::set<std::pair<std::string, uint16_t>> waiting_;  // Client address and message ID.
  size_t answers_checked_ = 0;
  std::vector<OutQuery> out_queries_;
};

Runner::Runner(const Scenario& scenario) : scenario_(scenario) {
  options_.mode.prewarm = false;
  AddZone(".", scenario.upstreams);
  std::vector<DomainName> forwarded;
  for (const auto& [zone, server] : scenario.zones) {
    AddZone(zone, {server});
    forwarded.push_back(options_.zones.back().zone);
  }
  local_names_ = std::make_unique<LocalNames>(LoadLocalNames(scenario),
                                              std::make_unique<LocalZones>(forwarded));
  zone_names_ = std::make_unique<ZoneNames>(forwarded);
  answer_times_ = std::make_unique<AnswerTimes>(zone_names_->size());
  connector_ = std::make_unique<ScriptedConnector>(loop_, options_.limits);
  for (const auto& [name, index] : servers_) {
    ScriptedServer& server = connector_->server(index);
    server.handshake = Duration::zero();
    server.reply = [this, number = index](const UpstreamQuery& query) {
      out_queries_.push_back({number, query});
      return ScriptedReply::Silence();
    };
    // A server without a reply in the script is alive.
    server.life_reply = [](const UpstreamQuery& query) {
      return ScriptedReply::Message(ScriptedAnswer(query));
    };
  }
  upstreams_ = std::make_unique<UpstreamManager>(loop_, options_, *connector_,
                                                 absl::MakeSpan(upstream_counters_), random_);
  handler_ = std::make_unique<QueryHandler>(
      QueryHandler::Environment{.loop = loop_,
                                .cache = cache_,
                                .exchanger = upstreams_.get(),
                                .access = access_,
                                .local_names = local_names_.get(),
                                .counters = counters_,
                                .limits = limits_,
                                .zones = zone_names_.get(),
                                .answer_times = answer_times_.get()});
}

void Runner::AddZone(const std::string& zone, const std::vector<std::string>& names) {
  options_.zones.emplace_back();
  options_.zones.back().zone = *DomainName::FromText(zone);
  options_.zones.back().policy = SelectionPolicy::kSequential;
  for (const std::string& name : names) {
    options_.zones.back().servers.emplace_back().provider = name;
    servers_.emplace(name, static_cast<int>(servers_.size()));
  }
}

absl::Status Runner::Run() {
  for (const ScenarioStep& step : scenario_.steps) {
    absl::Status status = Play(step);
    loop_.RunUntilIdle();
    if (!status.ok()) {
      return absl::InternalError(
          absl::StrCat(step.line, ": step ", step.number, ": ", status.message()));
    }
  }
  if (answers_checked_ < sink_.replies().size()) {
    return absl::InternalError("at the end: a reply was sent that no step checked");
  }
  if (FirstOutQuery([](const OutQuery& out) { return !out.checked; }) != nullptr) {
    return absl::InternalError("at the end: a query was forwarded that no step checked");
  }
  return absl::OkStatus();
}

absl::Status Runner::Play(const ScenarioStep& step) {
  switch (step.kind) {
    case StepKind::kQuery:
      return Ask(step);
    case StepKind::kCheckAnswer:
      return CheckAnswer(step);
    case StepKind::kCheckNoAnswer:
      if (answers_checked_ == sink_.replies().size()) return absl::OkStatus();
      return absl::InternalError("there is a reply that no step checked");
    case StepKind::kCheckOutQuery:
      return CheckOutQuery(step);
    case StepKind::kCheckNoOutQuery:
      if (FirstOutQuery([](const OutQuery& out) { return !out.checked; }) == nullptr) {
        return absl::OkStatus();
      }
      return absl::InternalError("a query was forwarded");
    case StepKind::kReply:
      return Reply(step);
    case StepKind::kTimeout:
      return Timeout();
    case StepKind::kTimePasses:
      loop_.Advance(step.elapse);
      return absl::OkStatus();
    case StepKind::kRefuseConnections:
    case StepKind::kAcceptConnections:
    case StepKind::kCloseConnections:
      break;
  }
  ASSIGN_OR_RETURN(const int server, ServerAt(step.address));
  if (step.kind == StepKind::kCloseConnections) {
    connector_->Disconnect(server);
  } else {
    connector_->server(server).connect_failure =
        step.kind == StepKind::kRefuseConnections ? std::optional(UpstreamFailure::kConnectRefused)
                                                  : std::nullopt;
  }
  return absl::OkStatus();
}

absl::Status Runner::Ask(const ScenarioStep& step) {
  ReplyAddress client;
  client.transport = step.entry.Matches("TCP") ? Transport::kTcp : Transport::kUdp;
  const auto remote =
      Endpoint::ParseAddress(step.address.empty() ? "127.0.0.1" : step.address, 4711);
  RETURN_IF_ERROR(remote.status());
  client.client = *remote;
  WireMessage query = step.entry.octets;
  StoreU16(query.data(), next_id_);
  waiting_.emplace(remote->AddressToString(), next_id_++);
  handler_->Handle(query, /*cut=*/false, client, sink_);
  return absl::OkStatus();
}

absl::Status Runner::CheckAnswer(const ScenarioStep& step) {
  if (answers_checked_ == sink_.replies().size()) return absl::InternalError("there is no reply");
  const RecordingSink::Reply& reply = sink_.replies()[answers_checked_++];
  const std::string client = reply.address.client.AddressToString();
  if (!step.address.empty() && step.address != client) {
    return absl::InternalError(absl::StrCat("the reply went to ", client));
  }
  if (waiting_.erase({client, LoadU16(reply.wire.data())}) == 0) {
    return absl::InternalError("the reply has the ID of no query");
  }
  return Matcher(step.entry, reply.wire).Match();
}

absl::Status Runner::CheckOutQuery(const ScenarioStep& step) {
  ASSIGN_OR_RETURN(const int server, ServerAt(step.address));
  OutQuery* out = FirstOutQuery([](const OutQuery& query) { return !query.checked; });
  if (out == nullptr) return absl::InternalError("no query was forwarded");
  out->checked = true;
  if (out->server != server) {
    const auto actual = std::find_if(servers_.begin(), servers_.end(),
                                     [out](const auto& s) { return s.second == out->server; });
    return absl::InternalError(absl::StrCat("the query went to ", actual->first));
  }
  std::array<uint8_t, kMaxUpstreamQuerySize> octets;
  const size_t size = BuildUpstreamQuery(out->query, 0x1234, {}, absl::MakeSpan(octets));
  const ParsedMessage message = ParsedMessage::Parse(Bytes(octets).subspan(0, size));
  const std::string name = Field(message.question, 0);
  if (name != absl::AsciiStrToLower(name)) {
    return absl::InternalError("the query was forwarded in the client's spelling");
  }
  if (out->query.edns == EdnsUse::kFull &&
      (size % kQueryPaddingBlock != 0 || message.FindOption(EdnsOption::kPadding) == nullptr)) {
    return absl::InternalError("the query is not padded to a multiple of 128 octets");
  }
  if (!message.Has(kFlagRd) || !message.Has(kFlagAd)) {
    return absl::InternalError("the query was forwarded without RD or AD");
  }
  for (const ParsedMessage::Option& option : message.options) {
    const auto code = static_cast<EdnsOption>(option.code);
    if (code != EdnsOption::kPadding && code != EdnsOption::kTcpKeepalive) {
      return absl::InternalError(absl::StrCat("the query has EDNS option ", option.code));
    }
  }
  return Matcher(step.entry, Bytes(octets).subspan(0, size)).Match();
}

// A message whose question matches no query of the server is sent as one that belongs to no query.
absl::Status Runner::Reply(const ScenarioStep& step) {
  ASSIGN_OR_RETURN(const int server, ServerAt(step.address));
  OutQuery* out = FirstOutQuery([&](const OutQuery& query) {
    return query.server == server && !query.answered &&
           BelongsToQuestion(step.entry.octets, query.query.question);
  });
  if (out == nullptr) {
    connector_->SendMismatch(server);
    return absl::OkStatus();
  }
  out->answered = true;
  if (!connector_->BreakSilence(server, out->query.question,
                                ScriptedReply::Message(step.entry.octets))) {
    return absl::InternalError("the connection of the query is closed");
  }
  return absl::OkStatus();
}

absl::Status Runner::Timeout() {
  const size_t answers = sink_.replies().size();
  const size_t out_queries = out_queries_.size();
  for (Duration passed{0}; passed < kLongestTimeout; passed += kTimeoutStep) {
    if (sink_.replies().size() > answers || out_queries_.size() > out_queries) {
      return absl::OkStatus();
    }
    loop_.Advance(kTimeoutStep);
  }
  return absl::InternalError("neither a reply nor a query was sent within 30 s");
}

Runner::OutQuery* Runner::FirstOutQuery(absl::FunctionRef<bool(const OutQuery&)> condition) {
  const auto found = std::find_if(out_queries_.begin(), out_queries_.end(), condition);
  return found == out_queries_.end() ? nullptr : &*found;
}

absl::StatusOr<int> Runner::ServerAt(const std::string& name) const {
  const auto server = servers_.find(name);
  if (server == servers_.end()) {
    return absl::InvalidArgumentError(absl::StrCat("there is no upstream named \"", name, "\""));
  }
  return server->second;
}

}  // namespace

absl::Status RunScenario(const Scenario& scenario) { return Runner(scenario).Run(); }

}  // namespace dotcache
