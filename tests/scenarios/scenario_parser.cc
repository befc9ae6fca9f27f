// SPDX-License-Identifier: Apache-2.0
#include "tests/scenarios/scenario_parser.h"

#include <cstdlib>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "core/status_macros.h"
#include "dns/edns.h"
#include "dns/ldns_ptr.h"

namespace dotcache {
namespace {

struct StepForm {
  StepKind kind;
  bool has_entry;
};

const std::map<std::string, StepForm>& StepForms() {
  static const std::map<std::string, StepForm> forms = {
      {"QUERY", {StepKind::kQuery, true}},
      {"CHECK_ANSWER", {StepKind::kCheckAnswer, true}},
      {"CHECK_NO_ANSWER", {StepKind::kCheckNoAnswer, false}},
      {"CHECK_OUT_QUERY", {StepKind::kCheckOutQuery, true}},
      {"CHECK_NO_OUT_QUERY", {StepKind::kCheckNoOutQuery, false}},
      {"REPLY", {StepKind::kReply, true}},
      {"TIMEOUT", {StepKind::kTimeout, false}},
      {"TIME_PASSES", {StepKind::kTimePasses, false}},
      {"REFUSE_CONNECTIONS", {StepKind::kRefuseConnections, false}},
      {"ACCEPT_CONNECTIONS", {StepKind::kAcceptConnections, false}},
      {"CLOSE_CONNECTIONS", {StepKind::kCloseConnections, false}}};
  return forms;
}

const std::map<std::string, ldns_pkt_section>& Sections() {
  static const std::map<std::string, ldns_pkt_section> sections = {
      {"QUESTION", LDNS_SECTION_QUESTION},
      {"ANSWER", LDNS_SECTION_ANSWER},
      {"AUTHORITY", LDNS_SECTION_AUTHORITY},
      {"ADDITIONAL", LDNS_SECTION_ADDITIONAL}};
  return sections;
}

const std::map<std::string, void (*)(ldns_pkt*, bool)>& Flags() {
  static const std::map<std::string, void (*)(ldns_pkt*, bool)> flags = {
      {"QR", ldns_pkt_set_qr}, {"AA", ldns_pkt_set_aa},     {"TC", ldns_pkt_set_tc},
      {"RD", ldns_pkt_set_rd}, {"RA", ldns_pkt_set_ra},     {"AD", ldns_pkt_set_ad},
      {"CD", ldns_pkt_set_cd}, {"DO", ldns_pkt_set_edns_do}};
  return flags;
}

const absl::flat_hash_set<std::string>& MatchWords() {
  static const absl::flat_hash_set<std::string> words = {
      "all",       "opcode",     "qname", "qtype", "question", "rcode",  "flags", "answer",
      "authority", "additional", "ttl",   "DO",    "noedns",   "octets", "UDP",   "TCP"};
  return words;
}

class Parser {
 public:
  explicit Parser(absl::string_view text) : lines_(absl::StrSplit(text, '\n')) {}

  absl::StatusOr<Scenario> Parse();

 private:
  // Reads the next line that is not empty, without its comment, into `line_` and `words_`.
  absl::Status Next();
  absl::Status Error(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(number_, ": ", what));
  }
  absl::Status ParseConfig();
  absl::Status ParseOption();
  absl::StatusOr<ScenarioStep> ParseStep();
  absl::StatusOr<ScenarioEntry> ParseEntry();
  absl::Status ParseMatch(ScenarioEntry& entry);
  absl::Status ParseReply(ldns_pkt* packet);
  absl::Status AddRecord(ldns_pkt* packet, ldns_pkt_section section);
  absl::StatusOr<WireMessage> ParseHex(absl::string_view end);

  const std::vector<std::string> lines_;
  size_t next_ = 0;
  size_t number_ = 0;  // The number of `line_`, from 1.
  std::string line_;
  std::vector<std::string> words_;
  Scenario scenario_;
};

absl::Status Parser::Next() {
  while (next_ < lines_.size()) {
    line_ = lines_[next_++];
    number_ = next_;
    if (const size_t comment = line_.find(';'); comment != std::string::npos) {
      line_.resize(comment);
    }
    absl::StripAsciiWhitespace(&line_);
    if (line_.empty()) continue;
    words_ = absl::StrSplit(line_, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    return absl::OkStatus();
  }
  return Error("the file ends too early");
}

absl::Status Parser::ParseConfig() {
  if (words_[0] == "upstream:" && words_.size() == 2) {
    scenario_.upstreams.push_back(words_[1]);
  } else if (words_[0] == "zone:" && words_.size() == 3) {
    scenario_.zones.emplace_back(words_[1], words_[2]);
  } else if (words_[0] == "option:" && words_.size() == 3) {
    return ParseOption();
  } else if (words_[0] == "record:" && words_.size() > 1) {
    scenario_.records.push_back(absl::StrJoin(words_.begin() + 1, words_.end(), " "));
  } else if (words_[0] == "hosts:" && words_.size() > 2) {
    scenario_.hosts.push_back(absl::StrJoin(words_.begin() + 1, words_.end(), " "));
  } else {
    return Error(
        "expected \"upstream: NAME\", \"zone: ZONE NAME\", \"option: NAME SECONDS\", "
        "\"record: TEXT\", \"hosts: ADDRESS NAME\" or CONFIG_END");
  }
  return absl::OkStatus();
}

absl::Status Parser::ParseOption() {
  int64_t value = 0;
  if (!absl::SimpleAtoi(words_[2], &value)) return Error("expected a number of seconds");
  CacheOptions& cache = scenario_.cache;
  if (words_[1] == "cache-min-ttl") {
    cache.ttl_caps.floor = Seconds{value};
  } else if (words_[1] == "stale-max-age") {
    cache.stale_max_age = Seconds{value};
  } else if (words_[1] == "prefetch") {
    cache.prefetch = value != 0;
  } else if (words_[1] == "rotate") {
    scenario_.rotate = value != 0;
  } else {
    return Error(absl::StrCat("unknown option: ", words_[1]));
  }
  return absl::OkStatus();
}

absl::StatusOr<Scenario> Parser::Parse() {
  RETURN_IF_ERROR(Next());
  while (line_ != "CONFIG_END") {
    RETURN_IF_ERROR(ParseConfig());
    RETURN_IF_ERROR(Next());
  }
  if (scenario_.upstreams.empty()) return Error("the file has no upstream");
  RETURN_IF_ERROR(Next());
  if (words_[0] != "SCENARIO_BEGIN") return Error("expected SCENARIO_BEGIN");
  scenario_.description = line_.substr(words_[0].size());
  RETURN_IF_ERROR(Next());
  while (line_ != "SCENARIO_END") {
    ASSIGN_OR_RETURN(ScenarioStep step, ParseStep());
    const int last = scenario_.steps.empty() ? 0 : scenario_.steps.back().number;
    if (step.number <= last) {
      return Error(absl::StrCat("step ", step.number, " comes after step ", last));
    }
    scenario_.steps.push_back(std::move(step));
    RETURN_IF_ERROR(Next());
  }
  return std::move(scenario_);
}

absl::StatusOr<ScenarioStep> Parser::ParseStep() {
  ScenarioStep step;
  step.line = static_cast<int>(number_);
  if (words_.size() < 3 || words_[0] != "STEP" || !absl::SimpleAtoi(words_[1], &step.number)) {
    return Error("expected \"STEP number kind\"");
  }
  const auto form = StepForms().find(words_[2]);
  if (form == StepForms().end()) return Error(absl::StrCat("unknown kind of step: ", words_[2]));
  step.kind = form->second.kind;
  for (size_t i = 3; i < words_.size(); i += 2) {
    double seconds = 0;
    if (i + 1 == words_.size()) return Error(absl::StrCat(words_[i], " needs a value"));
    if (words_[i] == "ADDRESS") {
      step.address = words_[i + 1];
    } else if (words_[i] == "ELAPSE" && absl::SimpleAtod(words_[i + 1], &seconds)) {
      step.elapse = Milliseconds(static_cast<int64_t>(seconds * 1000));
    } else {
      return Error("expected \"ADDRESS name\" or \"ELAPSE seconds\"");
    }
  }
  if (form->second.has_entry) {
    ASSIGN_OR_RETURN(step.entry, ParseEntry());
  }
  return step;
}

absl::StatusOr<ScenarioEntry> Parser::ParseEntry() {
  RETURN_IF_ERROR(Next());
  if (line_ != "ENTRY_BEGIN") return Error("expected ENTRY_BEGIN");
  ScenarioEntry entry;
  const LdnsPkt packet(ldns_pkt_new());
  ldns_pkt_section section = LDNS_SECTION_QUESTION;
  RETURN_IF_ERROR(Next());
  while (line_ != "ENTRY_END") {
    if (words_[0] == "MATCH") {
      RETURN_IF_ERROR(ParseMatch(entry));
    } else if (words_[0] == "REPLY") {
      RETURN_IF_ERROR(ParseReply(packet.get()));
    } else if (words_[0] == "SECTION" && words_.size() == 2 && Sections().count(words_[1]) > 0) {
      section = Sections().at(words_[1]);
    } else if (line_ == "HEX_EDNS_BEGIN") {
      ASSIGN_OR_RETURN(const WireMessage options, ParseHex("HEX_EDNS_END"));
      ldns_pkt_set_edns_udp_size(packet.get(), kOurUdpPayloadSize);
      if (!options.empty()) {
        ldns_pkt_set_edns_data(packet.get(), ldns_rdf_new_frm_data(LDNS_RDF_TYPE_UNKNOWN,
                                                                   options.size(), options.data()));
      }
    } else if (line_ == "HEX_ANSWER_BEGIN") {
      ASSIGN_OR_RETURN(entry.octets, ParseHex("HEX_ANSWER_END"));
    } else if (line_ != "ADJUST copy_id") {
      RETURN_IF_ERROR(AddRecord(packet.get(), section));
    }
    RETURN_IF_ERROR(Next());
  }
  if (ldns_pkt_edns_do(packet.get())) {
    ldns_pkt_set_edns_udp_size(packet.get(), kOurUdpPayloadSize);
  }
  uint8_t* octets = nullptr;
  size_t size = 0;
  if (ldns_pkt2wire(&octets, packet.get(), &size) != LDNS_STATUS_OK) {
    return Error("the entry does not fit into a message");
  }
  entry.message.assign(octets, octets + size);
  std::free(octets);
  if (entry.octets.empty()) entry.octets = entry.message;
  return entry;
}

absl::Status Parser::ParseMatch(ScenarioEntry& entry) {
  for (size_t i = 1; i < words_.size(); ++i) {
    if (absl::StartsWith(words_[i], "ede=")) {
      entry.extended_error = words_[i].substr(4);
    } else if (MatchWords().contains(words_[i])) {
      entry.match.insert(words_[i]);
    } else {
      return Error(absl::StrCat("unknown word in MATCH: ", words_[i]));
    }
  }
  if (entry.Matches("all")) {
    for (const char* word :
         {"opcode", "question", "rcode", "flags", "answer", "authority", "additional"}) {
      entry.match.insert(word);
    }
  }
  return absl::OkStatus();
}

absl::Status Parser::ParseReply(ldns_pkt* packet) {
  for (size_t i = 1; i < words_.size(); ++i) {
    if (const auto flag = Flags().find(words_[i]); flag != Flags().end()) {
      flag->second(packet, true);
      continue;
    }
    const ldns_lookup_table* rcode = ldns_lookup_by_name(ldns_rcodes, words_[i].c_str());
    if (rcode == nullptr) return Error(absl::StrCat(words_[i], " is neither a flag nor an RCODE"));
    ldns_pkt_set_rcode(packet, static_cast<ldns_pkt_rcode>(rcode->id));
  }
  return absl::OkStatus();
}

absl::Status Parser::AddRecord(ldns_pkt* packet, ldns_pkt_section section) {
  ldns_rr* record = nullptr;
  const ldns_status status =
      section == LDNS_SECTION_QUESTION
          ? ldns_rr_new_question_frm_str(&record, line_.c_str(), nullptr, nullptr)
          : ldns_rr_new_frm_str(&record, line_.c_str(), 0, nullptr, nullptr);
  if (status != LDNS_STATUS_OK) return Error(ldns_get_errorstr_by_id(status));
  ldns_pkt_push_rr(packet, section, record);
  return absl::OkStatus();
}

absl::StatusOr<WireMessage> Parser::ParseHex(absl::string_view end) {
  std::string digits;
  RETURN_IF_ERROR(Next());
  while (line_ != end) {
    for (const char c : line_) {
      if (c == ' ') continue;
      if (!absl::ascii_isxdigit(static_cast<unsigned char>(c))) return Error("expected hex digits");
      digits += c;
    }
    RETURN_IF_ERROR(Next());
  }
  const std::string octets = absl::HexStringToBytes(digits);
  return WireMessage(octets.begin(), octets.end());
}

}  // namespace

absl::StatusOr<Scenario> ParseScenario(absl::string_view text) { return Parser(text).Parse(); }

}  // namespace dotcache
