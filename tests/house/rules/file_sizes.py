# SPDX-License-Identifier: Apache-2.0
"""A source has at most 400 lines, a header at most 150."""

from finding import Finding

LIMITS = {".cc": 400, ".h": 150}


def findings(tree):
    for suffix, limit in LIMITS.items():
        for path in tree.production(suffix):
            size = len(tree.lines(path))
            if size > limit:
                yield Finding(path, size, f"{size} lines; the limit is {limit}")
