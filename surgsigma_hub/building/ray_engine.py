"""Ray as an engine: each unit is a task of one core, run again where its node or worker is lost."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import BuildError, MissingExtraError
from .units import Progress, Work, run_unit

_RETRIES = 5
"""Times that a unit is run again when its worker is lost; a unit that fails by itself is not run again."""
_KNOCK = 10.0
"""Seconds that a head node has to answer."""
_AHEAD = 2
"""Units for each core that Ray is given at a time: a plan of a hundred thousand videos stays here."""


@dataclass(frozen=True, slots=True)
class RayEngine:
    """Runs units on a cluster of Ray.

    Args:
        address: ``auto`` for the cluster that this machine belongs to, ``HOST:PORT`` or ``ray://HOST:PORT``.
    """

    address: str = "auto"

    def run(self, work: Work, jobs: Sequence[Any], add: Progress) -> None:
        """See :class:`surgsigma_hub.building.units.Engine`."""
        with _connected(self.address) as ray:
            unit = ray.remote(num_cpus=1, max_retries=_RETRIES)(run_unit)
            most = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
            rest = iter(jobs)
            waiting: list[Any] = []
            try:
                while True:
                    while len(waiting) < most and (job := next(rest, None)) is not None:
                        waiting.append(unit.remote(work, job))
                    if not waiting:
                        return
                    done, waiting = ray.wait(waiting)
                    for one in done:
                        add(*_result(ray, one))
            except BaseException:
                for one in waiting:
                    ray.cancel(one)
                raise


def _result(ray: Any, task: Any) -> tuple[int, int]:
    try:
        found: tuple[int, int] = ray.get(task)
        return found
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, Exception):
            raise error.cause from None  # it says what is wrong and what to do; the wrapper quotes it
        raise BuildError(f"a unit failed on a node of Ray: {str(error)[-400:]}") from None
    except ray.exceptions.RayError as error:
        raise BuildError(
            f"Ray lost the same unit {_RETRIES + 1} times ({type(error).__name__}), most likely for lack of memory",
            hint="Run the same command again, with fewer cores a node; finished parts are kept.",
        ) from None


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    try:
        import ray
    except ImportError:
        raise MissingExtraError("ray", "ray", purpose="--engine ray") from None
    ours = not ray.is_initialized()
    if ours:
        try:
            _reach(address)
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        except (OSError, RuntimeError, ValueError) as error:
            raise BuildError(
                f"no cluster of Ray at {address!r} ({(str(error).splitlines() or ['no answer'])[0][:200]})",
                hint="Start one (ray start --head, and ray start --address=HOST:6379 on other nodes), or name it with "
                "--address.",
            ) from None
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()


def _reach(address: str) -> None:
    """Knock at an address: Ray 2.60 waits for minutes, and says nothing, where nobody answers.

    Raises:
        OSError: nobody does.
    """
    host, colon, port = address.rpartition("//")[2].rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK).close()
