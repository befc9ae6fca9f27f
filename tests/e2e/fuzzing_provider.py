# SPDX-License-Identifier: Apache-2.0
"""An OddProvider whose answers are those of its cases, most of them mutated, each followed by a good one."""

from hostile import Messages
from odd_provider import CASES, OddProvider, Raw


class FuzzingProvider(OddProvider):
    """Counts what it sent in `answers`; a query is never left without a usable answer."""

    def __init__(self, certificate, key, seed):
        super().__init__(certificate, key)
        self.answers = 0
        self._messages = Messages(seed)

    def _todo(self, question):
        random = self._messages.random
        octets = bytearray(self._answer(question, random))
        if random.random() < 0.7:
            # The question is what makes it ours: most changes are behind it.
            begin = 12 + len(question.octets) if random.random() < 0.9 else 0
            self._messages.mutate(octets, begin)
        self.answers += 1
        return [bytes(octets), question.good()]

    @staticmethod
    def _answer(question, random):
        """What a case says that says anything."""
        while True:
            todo = random.choice(list(CASES.values()))(question)
            for step in todo if isinstance(todo, list) else [todo]:
                if isinstance(step, bytes) and not isinstance(step, Raw):
                    return step
