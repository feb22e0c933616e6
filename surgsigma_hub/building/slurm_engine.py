"""Slurm as an engine, by way of datatrove: several units in each task of an array, and a mark for each that is done."""

from __future__ import annotations

import os
import pickle
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Protocol

from ..errors import BuildError, MissingExtraError
from ..whole_files import write_atomic
from .units import Progress, Work, run_unit

_RETRIES = 5
"""Times that tasks which ended without a word are sent again; a unit that fails by itself is not."""
_POLL = 2.0
"""Seconds between two looks at the marks and the queue."""
_PATIENCE = 30.0
"""Seconds after the end of a job until its last marks must be seen here, on a network disk too."""
_MOST_TASKS = 1000
"""Slurm's own default bound of an array is 1001."""
_LOCAL = "local"


@dataclass(frozen=True, slots=True)
class SlurmEngine:
    """Runs units as array tasks of Slurm, or as tasks of datatrove on this machine.

    Args:
        folder: On the shared disk, for units, marks and logs; emptied when all is done.
        partition: Of the cluster; ``local``: processes of this machine, to try a build before it is queued.
        time: Longest time of a task, as Slurm writes it.
        tasks: Most tasks of an array, 1 to 1000; units are dealt out to them.
        memory: GB of a task, 1 or more.
        qos: Quality of service, where the cluster asks for one.
    """

    folder: Path
    partition: str
    time: str = "24:00:00"
    tasks: int = 100
    memory: int = 4
    qos: str = ""

    @classmethod
    def at(cls, address: str | None, folder: Path) -> SlurmEngine:
        """From the text of ``--address``: ``PARTITION[,time=HH:MM:SS][,tasks=N][,memory=GB][,qos=NAME]``.

        Raises:
            BuildError: not of that form.
        """
        partition, *others = (address or "").split(",")
        named = dict(part.partition("=")[::2] for part in others)
        known = {f.name for f in fields(cls)} - {"folder", "partition"}
        numbers = {
            name: int(named[name])
            for name in ("tasks", "memory")
            if re.fullmatch("[1-9][0-9]{0,5}", named.get(name, ""))
        }
        if (
            not re.fullmatch(r"[\w.-]+", partition)
            or not named.keys() <= known
            or {"tasks", "memory"} & named.keys() != numbers.keys()
            or numbers.get("tasks", 1) > _MOST_TASKS
            or not all(re.fullmatch(r"[\w:.-]+", value) for value in named.values())
        ):
            raise BuildError(
                f"address {address!r} of Slurm",
                hint=f"Expected PARTITION[,time=HH:MM:SS][,tasks=1..{_MOST_TASKS}][,memory=GB][,qos=NAME], "
                f"or {_LOCAL} for this machine.",
            )
        return cls(folder, partition, **{**named, **numbers})  # type: ignore[arg-type]

    def run(self, work: Work, jobs: Sequence[Any], add: Progress) -> None:
        """See :class:`surgsigma_hub.building.units.Engine`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        place = Path(tempfile.mkdtemp(prefix="units-", dir=self.folder))
        (place / "done").mkdir()
        (place / "failed").mkdir()
        write_atomic(place / "units.pickle", pickle.dumps((work, list(jobs))))
        with _quiet():
            queue = (_Local if self.partition == _LOCAL else _Slurm)(self, place, min(self.tasks, len(jobs)))
            _wait(queue, place, len(jobs), add)
        shutil.rmtree(place, ignore_errors=True)  # a task that ends late leaves a log at most
        if not any(self.folder.iterdir()):
            self.folder.rmdir()


class Units:
    """What a task of datatrove does: its share of the units, each with a mark of its own.

    Args:
        place: Folder of the units and the marks.
    """

    def __init__(self, place: Path) -> None:
        self.place = place

    def __call__(self, data: object, rank: int, world_size: int) -> None:
        """Run the units of one task of ``world_size``."""
        try:
            work, jobs = pickle.loads((self.place / "units.pickle").read_bytes())
        except Exception as error:
            told = BuildError(
                f"a node cannot read the units ({type(error).__name__}: {str(error)[-200:]})",
                hint="All nodes need this package in one version, in the environment that started the build.",
            )
            write_atomic(self.place / "failed" / f"{rank:07d}", pickle.dumps(told))
            raise
        for n in range(rank, len(jobs), world_size):
            mark = self.place / "done" / f"{n:07d}"
            if mark.exists():
                continue
            try:
                samples, size = run_unit(work, jobs[n])
            except Exception as error:
                write_atomic(self.place / "failed" / f"{n:07d}", _pickled(error))
                raise
            write_atomic(mark, f"{samples} {size}".encode())


def _pickled(error: Exception) -> bytes:
    try:
        data = pickle.dumps(error)
        pickle.loads(data)
    except Exception:  # an error of some library that cannot be sent
        return pickle.dumps(BuildError(f"a unit failed: {type(error).__name__}: {str(error)[-400:]}"))
    return data


class _Queue(Protocol):
    def send(self) -> None:
        """Send what is not done."""

    def alive(self) -> bool:
        """Whether something of it waits or runs."""

    def cancel(self) -> None:
        """End it."""


def _wait(queue: _Queue, place: Path, units: int, add: Progress) -> None:
    """Send what is not done, again where tasks ended without a word, until all units have their mark.

    Raises:
        BuildError: they did so again and again.
    """
    seen: set[str] = set()
    try:
        for _ in range(1 + _RETRIES):
            queue.send()
            if _all_done(queue, place, units, seen, add):
                return
    except BaseException:
        queue.cancel()
        raise
    raise BuildError(
        f"{units - len(seen)} of {units} units ended without a word {1 + _RETRIES} times, most likely for lack of "
        f"memory or time; logs: {place}",
        hint="Run the same command again, with more memory= or time= in --address; finished parts are kept.",
    )


def _all_done(queue: _Queue, place: Path, units: int, seen: set[str], add: Progress) -> bool:
    """Whether all units are done once what was sent has ended; datatrove writes a little after the last of them."""
    since: float | None = None  # nothing is left to wait for but a slow disk
    while True:
        alive = queue.alive()  # before the marks: what ends between the two is not lost
        _read_marks(place, seen, add)
        done = len(seen) == units
        if done and not alive:
            return True
        since = None if alive and not done else time.monotonic() if since is None else since
        if since is not None and time.monotonic() - since > _PATIENCE:
            return done
        time.sleep(_POLL)


def _read_marks(place: Path, seen: set[str], add: Progress) -> None:
    """Tell of the units that were done since; the error of one that failed is raised."""
    for failed in sorted((place / "failed").glob("[0-9]*")):
        raise pickle.loads(failed.read_bytes())
    for mark in (place / "done").glob("[0-9]*"):
        if mark.name not in seen:
            samples, size = mark.read_text("ascii").split()
            seen.add(mark.name)
            add(int(samples), int(size))


class _Slurm:
    def __init__(self, engine: SlurmEngine, place: Path, tasks: int) -> None:
        if "SLURM_ARRAY_TASK_ID" in os.environ:
            raise BuildError("this is a task of Slurm already", hint="Start the build on a login node.")
        executor = _executors().SlurmPipelineExecutor
        self._executor = executor(
            pipeline=[Units(place)],
            tasks=tasks,
            time=engine.time,
            partition=engine.partition,
            mem_per_cpu_gb=engine.memory,
            qos=engine.qos,
            job_name="surgsigma",
            logging_dir=str(place / "datatrove"),
            env_command=f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH",
        )
        # datatrove 0.10 would queue one more job, for statistics that nobody reads.
        self._executor.launch_merge_stats = _nothing

    def send(self) -> None:
        try:
            self._executor.run()
        except FileNotFoundError as error:
            raise BuildError(
                f"no Slurm here: {error.filename} is not found",
                hint="Start the build where sbatch is, or --address local.",
            ) from None
        except subprocess.CalledProcessError as error:
            said = (error.output or b"").decode(errors="replace").strip()[-400:]
            raise BuildError(
                f"sbatch refused the job (exit code {error.returncode}) {said}".strip(),
                hint="What it said stands above. Compare --address with sinfo.",
            ) from None

    def alive(self) -> bool:
        # -1: datatrove found nothing left to send.
        if self._executor.job_id in (None, -1):
            return False
        asked = subprocess.run(
            ["squeue", "-h", "-j", str(self._executor.job_id)], capture_output=True, text=True, check=False
        )
        if asked.returncode:
            return "Invalid job id" not in asked.stderr  # one that is long over; else a queue that is busy
        return bool(asked.stdout.strip())

    def cancel(self) -> None:
        if self._executor.job_id not in (None, -1):
            subprocess.run(["scancel", str(self._executor.job_id)], capture_output=True, check=False)


class _Local:
    def __init__(self, engine: SlurmEngine, place: Path, tasks: int) -> None:
        self._make: Callable[[], Any] = lambda: _executors().LocalPipelineExecutor(
            pipeline=[Units(place)],
            tasks=tasks,
            workers=min(tasks, os.cpu_count() or 1),
            logging_dir=str(place / "datatrove"),
            start_method="spawn",  # video decoders and Arrow keep threads that do not survive a fork
        )
        self._thread: threading.Thread | None = None

    def send(self) -> None:
        executor = self._make()

        def run() -> None:
            try:
                executor.run()
            except Exception:
                return  # the mark of the unit says why

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def cancel(self) -> None:
        """The processes end with their task."""


def _nothing() -> None:
    return None


def _executors() -> Any:
    try:
        import datatrove.executor as executors
    except ImportError:
        raise MissingExtraError("datatrove", "slurm", purpose="--engine slurm") from None
    return executors


@contextmanager
def _quiet() -> Iterator[None]:
    """Without datatrove's own lines in this process; those of the tasks are in its folder of logs."""
    _executors()
    from loguru import logger

    logger.disable("datatrove")
    try:
        yield
    finally:
        logger.enable("datatrove")
