# SPDX-License-Identifier: Apache-2.0
"""Includes point down, and each third-party library has one home."""

import re

from finding import Finding
from source_tree import PRODUCTION

# Folder: the folders that it may include, besides itself.
FLOORS = {
    "core": set(),
    "dns": {"core"},
    "net": {"core"},
    "cache": {"dns", "core"},
    "upstream": {"net", "dns", "core"},
    "local": {"net", "dns", "core"},
    "server": {"local", "upstream", "net", "cache", "dns", "core"},
    "admin": {"server", "local", "upstream", "net", "cache", "dns", "core"},
    "cmd": {"admin", "server", "local", "upstream", "net", "cache", "dns", "core"},
}
assert set(FLOORS) == set(PRODUCTION)

# Headers of a library: the files that may include them.
HOMES = {
    r"ldns/": r"dns/(\w+\.cc|ldns_ptr\.h)",
    r"dns/ldns_ptr\.h": r"dns/\w+\.cc",
    r"spdlog/": r"core/log\.cc",
    r"uv\.h": r"net/.*",
    r"gnutls/": r"net/.*",
    r"yaml-cpp/": r"cmd/.*",
    r"CLI/": r"cmd/.*",
    r"microhttpd\.h": r"admin/.*",
    r"prometheus/": r"admin/.*",
    r"nlohmann/": r"admin/.*",
}
ABSEIL = r"absl/"  # Everywhere.
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def breaches(path, included, quote):
    """Yields what is wrong with one include of `path`."""
    folder, target = path.split("/")[0], included.split("/")[0]
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
