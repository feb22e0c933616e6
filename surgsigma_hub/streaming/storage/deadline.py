"""A clock for calls that have none of their own: resolving names, and what other libraries ask a server for."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """What a call gives; its thread is left to itself when the time is up.

    Args:
        seconds: How long it may take; without end where they are infinite.
        call: Runs in a thread of its own.

    Raises:
        TimeoutError: it did not come to its end.
    """
    if seconds == math.inf:
        return call()
    found: Future[T] = Future()

    def run() -> None:
        try:
            found.set_result(call())
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=run, name="surgsigma-within", daemon=True).start()
    try:
        return found.result(max(0.0, seconds))
    except TimeoutError:
        if found.done():  # its own
            raise
        raise TimeoutError(f"not there within {seconds:.3g} s") from None
