"""What a run may spend: requests, tokens, seconds. Shared by the threads that ask."""

from __future__ import annotations

import threading
import time


class Budget:
    """Counts what is spent and says when to stop; a request is let through only where its guess still fits.

    Args:
        max_requests: Requests that may be sent, repeated ones included; None for no limit.
        max_tokens: Tokens of questions and answers as the endpoint reports them; guessed where it does not.
        seconds: Time from now after which nothing is sent any more.
    """

    def __init__(
        self, *, max_requests: int | None = None, max_tokens: int | None = None, seconds: float | None = None
    ) -> None:
        self._max_requests = max_requests
        self._max_tokens = max_tokens
        self._end = None if seconds is None else time.monotonic() + seconds
        self._changed = threading.Condition()
        self._held = 0
        self._in_flight = 0
        self.requests = 0
        self.retries = 0
        self.tokens = 0
        self.spent = ""
        """Which limit was reached; empty while none was."""

    def take(self, guess: int, *, again: bool = False) -> bool:
        """Whether one more request may be sent; waits for those on their way where only they stand against it.

        Args:
            guess: Tokens that it may cost.
            again: Whether it was sent before.
        """
        with self._changed:
            while not self._over():
                if self._max_tokens is None or self.tokens + self._held + guess <= self._max_tokens:
                    self.requests += 1
                    self.retries += again
                    self._in_flight += 1
                    self._held += guess
                    return True
                if not self._in_flight:
                    self.spent = "tokens"
                    break
                self._changed.wait(0.5)
            self._changed.notify_all()
            return False

    def settle(self, guess: int, used: int) -> None:
        """What a request let through by :meth:`take` cost in the end."""
        with self._changed:
            self._in_flight -= 1
            self._held -= guess
            self.tokens += used
            self._changed.notify_all()

    def seconds_left(self) -> float:
        """Time until nothing may be sent any more."""
        return float("inf") if self._end is None else max(0.0, self._end - time.monotonic())

    def _over(self) -> bool:
        if not self.spent:
            if self._max_requests is not None and self.requests >= self._max_requests:
                self.spent = "requests"
            elif self._max_tokens is not None and self.tokens >= self._max_tokens:
                self.spent = "tokens"
            elif self._end is not None and time.monotonic() >= self._end:
                self.spent = "time"
        return bool(self.spent)
