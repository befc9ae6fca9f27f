# SPDX-License-Identifier: Apache-2.0
"""What a rule finds, and the exceptions from the rules."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
    """One breach of a rule."""
    path: str
    line: int
    text: str
    name: str = ""  # The function, where a file may hold several.

    @property
    def subject(self):
        """What an exception has to name."""
        return f"{self.path}:{self.name}" if self.name else self.path


@dataclasses.dataclass
class Exemption:
    """One line of the exceptions file."""
    rule: str
    subject: str  # A path, PATH:NAME, or a folder with a trailing '/'.
    reason: str
    line: int
    uses: int = 0

    def covers(self, rule, finding):
        if rule != self.rule:
            return False
        if self.subject.endswith("/"):
            return finding.path.startswith(self.subject)
        return finding.subject == self.subject


def read_exemptions(path):
    """Returns the exemptions of the file; ValueError names a line that is not one."""
    exemptions = []
    if not path.exists():
        return exemptions
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(maxsplit=2)
        if len(words) < 3:
            raise ValueError(f"{path.name}:{number}: expected 'RULE SUBJECT REASON'")
        exemptions.append(Exemption(*words, number))
    return exemptions
