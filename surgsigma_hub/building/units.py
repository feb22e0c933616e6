"""Units of a build, and what an engine must do with them: processes of this machine, or a cluster that is there.

A unit is plain data and a function of this package. It does nothing where its result is there, and gives its result a
name only when it is whole, so that an engine may run it twice, at the same time or after a node was lost, and the bytes
of the tree stay what one process makes. All nodes need this package in one version, and the tree, the source and its
options under the same absolute paths, on a disk that they share and that renames a file at once (NFS does).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..errors import BuildError

ENGINES = ("processes", "ray", "slurm")
"""What can run the units of a build, by name."""

Progress = Callable[[int, int], None]
Work = Callable[[Any, Progress], None]

_PATIENCE = 10.0
"""Seconds until a file that another node has written must be seen here: NFS looks after 3 to 60, at once in a folder
that was changed here."""


class Engine(Protocol):
    """Runs units somewhere else."""

    def run(self, work: Work, jobs: Sequence[Any], add: Progress) -> None:
        """Run ``work(job, progress)`` for every job; ``add`` is told samples and bytes as they come.

        Raises:
            BuildError: the engine is not there, or lost a unit again and again.
        """


def run_unit(work: Work, job: Any) -> tuple[int, int]:
    """Run one unit; the samples and bytes that it made."""
    made = [0, 0]

    def progress(samples: int, size: int) -> None:
        made[0] += samples
        made[1] += size

    work(job, progress)
    return made[0], made[1]


def check_results(paths: Sequence[Path]) -> None:
    """Hold what an engine says against what is on the disk of this machine.

    Raises:
        BuildError: a unit has ended, but its result is not here.
    """
    until = time.monotonic() + _PATIENCE
    while missing := [path for path in paths if not path.exists()]:
        if time.monotonic() > until:
            raise BuildError(
                f"{len(missing)} of {len(paths)} units have ended, but their results are not here: {missing[0]}",
                hint="All nodes must see the tree under the same path, on one shared disk.",
            )
        time.sleep(0.2)
