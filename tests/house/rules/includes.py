# SPDX-License-Identifier: Apache-2.0
"""Includes point down, and each third-party library has one home."""

import re

from finding import Finding
from source_tree import PRODUCTION

# Folder, or room within a folder: the folders and rooms that it may include, besides itself.
UPSTREAM = {"upstream/api", "upstream/connection", "upstream/pool", "upstream/hosts",
            "upstream/exchange", "upstream"}
FLOORS = {
    "core": set(),
    "dns": {"core"},
    "net": {"core"},
    "net/tls": {"net", "core"},
    "cache": {"dns", "core"},
    "upstream/api": {"net/tls", "net", "dns", "core"},
    "upstream/connection": {"upstream/api", "net/tls", "net", "dns", "core"},
    "upstream/pool": {"upstream/connection", "upstream/api", "net", "dns", "core"},
    "upstream/hosts": {"upstream/api", "net", "dns", "core"},
    "upstream/exchange": {"upstream/pool", "upstream/hosts", "upstream/connection", "upstream/api",
                          "net", "dns", "core"},
    "upstream": UPSTREAM | {"net/tls", "net", "dns", "core"},
    "local": {"net", "dns", "core"},
    "query_log": {"net", "dns", "core"},
    "answer": {"query_log", "local", "upstream/pool", "upstream/api", "net", "cache", "dns",
               "core"},
    "server": UPSTREAM | {"answer", "query_log", "local", "net/tls", "net", "cache", "dns",
                          "core"},
    "admin": UPSTREAM | {"server", "answer", "query_log", "local", "net/tls", "net", "cache",
                         "dns", "core"},
    "cmd": UPSTREAM | {"admin", "server", "answer", "query_log", "local", "net/tls", "net",
                       "cache", "dns", "core"},
}
assert {floor.split("/")[0] for floor in FLOORS} == set(PRODUCTION)

# Headers of a library: the files that may include them.
HOMES = {
    r"ldns/": r"dns/(\w+\.cc|ldns_ptr\.h)",
    r"dns/ldns_ptr\.h": r"dns/\w+\.cc",
    r"spdlog/": r"core/log\.cc",
    r"uv\.h": r"net/[^/]*",
    r"gnutls/": r"net/tls/.*",
    r"yaml-cpp/": r"cmd/.*",
    r"CLI/": r"cmd/.*",
    r"seccomp\.h": r"cmd/system_calls\.cc",
    r"microhttpd\.h": r"admin/.*",
    r"prometheus/": r"admin/.*",
    r"nlohmann/": r"(admin/.*|query_log/query_json\.cc)",
    r"net/(?!(address_prefix|endpoint|client_key)\.h)": r"(?!answer/).*",  # The steps of a query know no socket.
}
ABSEIL = r"absl/"  # Everywhere.
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def floor_of(path):
    """Returns the room or folder that `path` is in."""
    return max((floor for floor in FLOORS if path.startswith(floor + "/")), key=len,
               default=path.split("/")[0])


def breaches(path, included, quote):
    """Yields what is wrong with one include of `path`."""
    folder, target = floor_of(path), floor_of(included)
    if target in FLOORS and "/" in included and target != folder \
            and target not in FLOORS[folder]:
        yield f"{folder}/ may not include {target}/"
    if target == "tests":
        yield "only tests include tests/"
    homes = [home for library, home in HOMES.items() if re.match(library, included)]
    for home in homes:
        if not re.fullmatch(home, path):
            yield f"{included} belongs in {home}"
    if quote == '"' and not homes and target not in FLOORS and target not in ("absl", "tests"):
        yield f"{included} is of a library without a home; add it to HOMES in {__name__}"


def findings(tree):
    for path in tree.production():
        for number, line in enumerate(tree.lines(path), 1):
            match = INCLUDE.match(line)
            for breach in breaches(path, match[2], match[1]) if match else ():
                yield Finding(path, number, breach)
