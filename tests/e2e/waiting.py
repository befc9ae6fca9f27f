# SPDX-License-Identifier: Apache-2.0
"""Waiting for a condition, with a limit that only a failure reaches."""

import time

LIMIT_SECONDS = 60


def wait_for(condition, what, seconds=LIMIT_SECONDS):
    """Waits until `condition()` holds. Fails with `what`, a text or a function that returns one."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what() if callable(what) else what
        time.sleep(0.01)
