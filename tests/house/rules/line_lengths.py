# SPDX-License-Identifier: Apache-2.0
"""Lines of Markdown have at most 120 columns, outside tables, code blocks and lone links."""

import re

from finding import Finding

LIMIT = 120
LONE_LINK = re.compile(r"\s*(?:[-*]\s+)?(?:\[[^\]]*\](?::\s*\S+|\(\S+\))|<?https?://\S+)[.,;]?\s*")
FENCE = re.compile(r"\s*(```|~~~)")


def findings(tree):
    for path in tree.files:
        if not path.endswith(".md"):
            continue
        fence, indented, before = None, False, ""
        for number, line in enumerate(tree.lines(path), 1):
            # Code is also what is indented after an empty line.
            indented = line.startswith("    ") and (indented or not before.strip())
            before = line
            match = FENCE.match(line)
            if match and fence in (None, match[1]):
                fence = None if fence else match[1]
            elif len(line) > LIMIT and not fence and not indented \
                    and not line.lstrip().startswith("|") and not LONE_LINK.fullmatch(line):
                yield Finding(path, number, f"{len(line)} columns; the limit is {LIMIT}")
