# SPDX-License-Identifier: Apache-2.0
"""An OddProvider that sends mostly mutated responses, each followed by a good one."""

from hostile import Messages
from odd_provider import CASES, OddProvider, Raw


class FuzzingProvider(OddProvider):
    """Counts the responses in `answers`. Every query gets a usable response in the end."""

    def __init__(self, certificate, key, seed):
        super().__init__(certificate, key)
        self.answers = 0
        self._messages = Messages(seed)

    def _todo(self, question):
        random = self._messages.random
        octets = bytearray(self._answer(question, random))
        if random.random() < 0.7:
            # Most changes are after the question, because a message with another question is
            # ignored.
            begin = 12 + len(question.octets) if random.random() < 0.9 else 0
            self._messages.mutate(octets, begin)
        self.answers += 1
        return [bytes(octets), question.good()]

    @staticmethod
    def _answer(question, random):
        """Returns the response of a random case that sends one."""
        while True:
            todo = random.choice(list(CASES.values()))(question)
            for step in todo if isinstance(todo, list) else [todo]:
                if isinstance(step, bytes) and not isinstance(step, Raw):
                    return step
