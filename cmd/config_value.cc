// SPDX-License-Identifier: Apache-2.0
#include "cmd/config_value.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace dotcache {
namespace {

constexpr size_t kMaxFileSize = size_t{1} << 20;
constexpr int kMaxDepth = 8;

// Notes whether a document has content.
class ContentDetector : public YAML::EventHandler {
 public:
  bool has_content() const { return has_content_; }

  void OnDocumentStart(const YAML::Mark&) override { has_content_ = false; }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override { has_content_ = true; }
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {
    has_content_ = true;
  }
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    has_content_ = true;
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    has_content_ = true;
  }
  void OnMapEnd() override {}

 private:
  bool has_content_ = false;
};

// True when the first document is followed by anything except one empty document. YAML::LoadAll()
// is not used, because after a stray closing bracket it finds documents without end.
bool HasSecondDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  ContentDetector detector;
  return parser.HandleNextDocument(detector) && parser.HandleNextDocument(detector) &&
         (detector.has_content() || parser.HandleNextDocument(detector));
}

// Turns YAML nodes into ConfigValues, collecting errors.
class Converter {
 public:
  Converter(const std::string& path, std::vector<ConfigError>& errors)
      : path_(path), errors_(errors) {}

  ConfigValue Convert(const YAML::Node& node, absl::string_view key, int depth) {
    ConfigValue value;
    value.origin = OriginOf(node);
    if (depth > kMaxDepth) {
      errors_.push_back({value.origin, std::string(key), "nested too deeply"});
    } else if (node.IsSequence()) {
      value.kind = ConfigValue::Kind::kList;
      for (const YAML::Node& element : node) {
        value.list.push_back(Convert(element, key, depth + 1));
      }
    } else if (node.IsMap()) {
      ConvertMap(node, depth, value);
    } else if (node.IsScalar()) {
      value.scalar = node.Scalar();
    }
    return value;
  }

 private:
  void ConvertMap(const YAML::Node& node, int depth, ConfigValue& value) {
    value.kind = ConfigValue::Kind::kMap;
    for (const auto& pair : node) {
      const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : "";
      const bool twice = std::any_of(value.map.begin(), value.map.end(),
                                     [&key](const auto& entry) { return entry.key == key; });
      if (twice) errors_.push_back({OriginOf(pair.first), key, "is written twice; keep one"});
      ConfigValue converted = Convert(pair.second, key, depth + 1);
      // An empty value has no position of its own.
      if (!pair.second.IsDefined() || pair.second.IsNull()) {
        converted.origin = OriginOf(pair.first);
      }
      value.map.push_back({key, std::move(converted)});
    }
  }

  ConfigOrigin OriginOf(const YAML::Node& node) const {
    const YAML::Mark mark = node.Mark();
    return absl::StrCat(path_, ":", mark.line < 0 ? 1 : mark.line + 1);
  }

  const std::string& path_;
  std::vector<ConfigError>& errors_;
};

}  // namespace

ConfigValue ConfigValue::Scalar(absl::string_view text, absl::string_view origin) {
  ConfigValue value;
  value.origin = std::string(origin);
  value.scalar = std::string(text);
  return value;
}

ConfigValue ConfigValue::List(const std::vector<std::string>& texts, absl::string_view origin) {
  ConfigValue value;
  value.kind = Kind::kList;
  value.origin = std::string(origin);
  for (const std::string& text : texts) value.list.push_back(Scalar(text, origin));
  return value;
}

ConfigValue ConfigValue::CommaList(absl::string_view text, absl::string_view origin) {
  std::vector<std::string> texts = absl::StrSplit(text, ',');
  for (std::string& each : texts) absl::StripAsciiWhitespace(&each);
  return List(texts, origin);
}

std::vector<const ConfigValue*> ConfigValue::Elements() const {
  if (kind != Kind::kList) return {this};
  std::vector<const ConfigValue*> elements;
  for (const ConfigValue& element : list) elements.push_back(&element);
  return elements;
}

std::string ConfigError::ToString() const {
  return key.empty() ? absl::StrCat(origin, ": ", message)
                     : absl::StrCat(origin, ": ", key, ": ", message);
}

ConfigFile ReadConfigFile(const std::string& path) {
  ConfigFile file;
  file.root.kind = ConfigValue::Kind::kMap;
  const auto fail = [&file](ConfigOrigin origin, std::string message) {
    file.errors.push_back({std::move(origin), "", std::move(message)});
    return file;
  };
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return fail(path, absl::StrCat("cannot be read: ", std::strerror(errno)));
  std::string text(kMaxFileSize + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return fail(path, "cannot be read: it is a directory, or the disk failed");
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > kMaxFileSize) return fail(path, "is larger than 1 MiB");
  try {
    const YAML::Node document = YAML::Load(text);
    if (HasSecondDocument(text)) return fail(path, "has more than one YAML document; keep one");
    if (document.IsNull()) return file;  // Empty: all defaults.
    if (!document.IsMap()) {
      return fail(absl::StrCat(path, ":1"), "must hold `key: value` lines at its top level");
    }
    file.root = Converter(path, file.errors).Convert(document, "", 0);
  } catch (const YAML::Exception& e) {
    return fail(absl::StrCat(path, ":", e.mark.line + 1), absl::StrCat("is not YAML: ", e.msg));
  }
  return file;
}

}  // namespace dotcache
