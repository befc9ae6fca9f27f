# SPDX-License-Identifier: Apache-2.0
"""A class has at most 15 public functions and at most 15 members.

Constructors, the destructor, operators and constants do not count, and overloads count once. A
struct is a record, so it may have more members.
"""

import collections
import re

from finding import Finding
from rules.callers import WORD, run_ctags

MAX_FUNCTIONS = 15
MAX_MEMBERS = 15
CONSTANT = re.compile(r"k[A-Z0-9]")


def full_name(tag):
    return f"{tag['scope']}::{tag['name']}" if "scope" in tag else tag["name"]


def findings(tree):
    paths = tree.production()
    if not paths:
        return
    tags = run_ctags(tree, paths)
    functions, members = collections.defaultdict(set), collections.defaultdict(set)
    for tag in tags:
        scope = (tag["path"], tag.get("scope", ""))
        if tag["kind"] == "member":
            if not CONSTANT.match(tag["name"]):
                members[scope].add(tag["name"])
        elif (tag["kind"] in ("function", "prototype") and tag.get("access") == "public"
              and WORD.fullmatch(tag["name"]) and tag["name"] != scope[1].split("::")[-1]):
            functions[scope].add(tag["name"])
    for tag in tags:
        if tag["kind"] != "class":
            continue
        scope = (tag["path"], full_name(tag))
        for found, limit, what in ((functions[scope], MAX_FUNCTIONS, "public functions"),
                                   (members[scope], MAX_MEMBERS, "members")):
            if len(found) > limit:
                yield Finding(tag["path"], tag["line"],
                              f"{tag['name']} has {len(found)} {what}; the limit is {limit}",
                              tag["name"])
