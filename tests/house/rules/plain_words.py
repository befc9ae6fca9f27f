# SPDX-License-Identifier: Apache-2.0
"""Prose of documents and comments is without a few phrases that hide the subject of a sentence."""

import re

from finding import Finding

# Phrase: what to write in its place.
PHRASES = {
    r"but for": "except",
    r"in vain": "fails, or a retry",
    r"nobody(?!\.invalid| \|)": "the client, query, worker or server that does not",
    r"whoever": "the client, worker or server that does",
    r"says? nothing": "what was not received or is not known",
    r"those who": "the clients, workers or servers that",
    r"who (?:asks|may|must|does|knows|needs|waits|has)": "the client, worker or server that",
}
PATTERN = re.compile(r"\b(?:%s)\b" % "|".join(PHRASES), re.IGNORECASE)
CODE_SPAN = re.compile(r"`[^`]*`")
CPP_COMMENT = re.compile(r"//(.*)$")
HASH_COMMENT = re.compile(r"(?:^|\s)#(.*)$")


def _prose(tree, path):
    """Yields line numbers and prose of a document or a commented source."""
    if path.endswith(".md"):
        for number, line in enumerate(tree.lines(path), 1):
            yield number, CODE_SPAN.sub("", line)
    elif path.endswith((".h", ".cc")):
        for number, line in enumerate(tree.lines(path), 1):
            match = CPP_COMMENT.search(line)
            if match and line[:match.start()].count('"') % 2 == 0:
                yield number, CODE_SPAN.sub("", match[1])
    elif path.endswith((".py", ".cmake", "CMakeLists.txt")):
        for number, line in enumerate(tree.lines(path), 1):
            match = HASH_COMMENT.search(line)
            if match and line[:match.start()].count('"') % 2 == 0:
                yield number, CODE_SPAN.sub("", match[1])


def findings(tree):
    for path in tree.files:
        for number, text in _prose(tree, path):
            match = PATTERN.search(text)
            if match:
                phrase = match[0].lower()
                advice = next(a for p, a in PHRASES.items() if re.fullmatch(p, phrase))
                yield Finding(path, number, f"'{phrase}': write {advice}")
