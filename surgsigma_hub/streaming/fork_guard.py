"""No thread of ours is at work while the process forks.

A forked child has the locks that other threads held at that moment, and nobody in it will ever open them: a thread that
was just importing a module, or inside a library, would make the child wait for ever.
"""

from __future__ import annotations

import os
import threading

_PATIENCE = 2.0  # seconds that a fork waits for work under way; a thread that waits for a network holds no such lock


class Gate:
    """Lets threads work, ``with gate:``, until a fork closes it."""

    def __init__(self) -> None:
        self._change = threading.Condition(threading.Lock())
        self._inside = self._forks = 0

    def __enter__(self) -> None:
        with self._change:
            while self._forks:
                self._change.wait()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._inside -= 1
            if self._forks and not self._inside:
                self._change.notify_all()

    def close(self) -> None:
        """Let nobody in, and wait for those inside."""
        with self._change:
            self._forks += 1
            self._change.wait_for(lambda: not self._inside, timeout=_PATIENCE)

    def open(self) -> None:
        """Let them go on."""
        with self._change:
            self._forks -= 1
            self._change.notify_all()

    def forget(self) -> None:
        """In the child: those that were inside are not there any more."""
        Gate.__init__(self)


gate = Gate()
"""The one gate of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=gate.close, after_in_parent=gate.open, after_in_child=gate.forget)
