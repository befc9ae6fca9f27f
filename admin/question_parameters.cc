// SPDX-License-Identifier: Apache-2.0
#include "admin/question_parameters.h"

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "dns/message_text.h"

namespace dotcache {

absl::StatusOr<QuestionParameters> ReadQuestion(const HttpRequest& request) {
  QuestionParameters question;
  const std::optional<std::string> name = request.Parameter("name");
  if (!name.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the parameter name is missing: ", request.path, "?name=www.example.com"));
  }
  const auto parsed = DomainName::FromText(*name);
  if (!parsed.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(*name, ": ", parsed.status().message()));
  }
  question.name = parsed->Canonical();
  const std::optional<std::string> type = request.Parameter("type");
  if (!type.has_value()) return question;
  const std::optional<QType> qtype = ParseQTypeName(*type);
  if (!qtype.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat(*type, " is not a record type such as A, AAAA or TYPE65"));
  }
  question.type = *qtype;
  return question;
}

}  // namespace dotcache
