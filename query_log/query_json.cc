// SPDX-License-Identifier: Apache-2.0
#include "query_log/query_json.h"

#include <nlohmann/json.hpp>

#include "dns/question.h"
#include "query_log/query_line.h"

namespace dotcache {
namespace {

const char* EventName(NoteKind kind) {
  switch (kind) {
    case NoteKind::kClientQuery:
      return "query";
    case NoteKind::kClientReply:
      return "reply";
    case NoteKind::kUpstreamQuery:
      return "upstream-query";
    case NoteKind::kUpstreamResponse:
      return "upstream-response";
  }
  return "";
}

}  // namespace

void AppendQueryJson(const QueryNote& note, Duration at, const Pseudonyms& pseudonyms,
                     std::string& out) {
  nlohmann::ordered_json line = {{"time", TimeText(at)}, {"event", EventName(note.kind)}};
  if (note.is_upstream()) {
    line["server"] = note.peer.ToString();
  } else {
    line["client"] = pseudonyms.ClientText(note.peer);
  }
  line["transport"] = std::string(TransportName(note.transport));
  if (note.qtype != QType::kNone) {
    line["name"] = pseudonyms.NameText(note.name);
    line["type"] = std::string(QTypeName(note.qtype));
  }
  if (note.is_reply()) {
    line["rcode"] = std::string(NameOrNumber(kRcodeNames, note.rcode, "RCODE"));
    if (!note.is_upstream()) {
      line["source"] = std::string(NameOf(kReplySourceNames, note.source, "-"));
    }
    line["us"] = note.elapsed_us();
  }
  out += line.dump();
  out += '\n';
}

}  // namespace dotcache
