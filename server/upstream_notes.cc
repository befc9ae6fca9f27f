// SPDX-License-Identifier: Apache-2.0
#include "server/upstream_notes.h"

#include <algorithm>

#include "dns/message_header.h"

namespace dotcache {

QueryNote UpstreamNotes::NoteFor(NoteKind kind, const ObservedMessage& message) const {
  int zone_labels = 0;
  const DomainName name = message.question.NameInZone();
  for (const UpstreamZoneOptions& zone : plan_->options.zones) {
    if (name.IsAtOrBelow(zone.zone)) zone_labels = std::max(zone_labels, zone.zone.LabelCount());
  }
  return {.kind = kind,
          .transport = message.transport,
          .rcode = LoadHeader(message.wire).header_rcode(),
          .qtype = message.question.qtype,
          .peer = message.server,
          .begun = message.sent,
          .name = message.question.qname,
          .zone_labels = static_cast<uint8_t>(zone_labels)};
}

void UpstreamNotes::OnQuerySent(const ObservedMessage& query) {
  queue_->Add(NoteFor(NoteKind::kUpstreamQuery, query), query.wire);
}

void UpstreamNotes::OnResponse(const ObservedMessage& response) {
  queue_->AddReply(NoteFor(NoteKind::kUpstreamResponse, response), response.wire);
}

}  // namespace dotcache
