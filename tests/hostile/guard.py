"""What must hold whatever a reader is given: it ends, it stays inside, it keeps to its memory, its errors are ours."""

from __future__ import annotations

import resource
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from surgsigma_hub.errors import SurgSigmaError

Reader = Callable[[Path, Path], Iterable[str] | None]
"""Reads what lies at the first path and may write below the second; gives the problems that it reports."""

SECONDS = 60
"""No input here is larger than a few MB: a reader that is still at it after a minute is in a loop."""
MEMORY = 256 << 20
"""Bytes by which the process may grow over one input; the inputs are small, whatever sizes they claim."""
SECRET = "what-lies-outside-must-stay-outside"
"""Content of the file beside the sandbox that inputs point at."""


class EndlessError(BaseException):
    """A reader that does not come to an end; no reader can catch it by accident."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reader made of an input: ``taken``, ``reported`` or ``refused``, and what it said."""

    verdict: str
    said: str = ""

    def __str__(self) -> str:
        return f"{self.verdict}: {self.said}" if self.said else self.verdict


@dataclass(frozen=True, slots=True)
class Sandbox:
    """``inside`` holds the input, ``out`` what a reader writes, ``secret`` is a file that nobody may read or change."""

    root: Path

    @property
    def inside(self) -> Path:
        return self.root / "inside"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def secret(self) -> Path:
        return self.root / "secret.txt"

    def make(self) -> Sandbox:
        for folder in (self.inside, self.out):
            folder.mkdir(parents=True, exist_ok=True)
        self.secret.write_text(SECRET)
        return self


def tried(reader: Reader, given: Path, box: Sandbox) -> Outcome:
    """What ``reader`` makes of ``given``; an error that is not the package's own goes through, as a finding."""
    before = _state(box)
    peak = _peak()
    with _clock(SECONDS):
        try:
            problems = list(reader(given, box.out) or ())
        except SurgSigmaError as error:
            outcome = Outcome("refused", str(error))
        else:
            outcome = Outcome("reported", "\n".join(problems)) if problems else Outcome("taken")
    grown = _peak() - peak
    assert grown <= MEMORY, f"{grown >> 20} MB more memory than before, allowed are {MEMORY >> 20}"
    after = _state(box)
    assert after == before, f"changed outside of its folder: {sorted(set(after.items()) ^ set(before.items()))}"
    assert SECRET not in outcome.said, "it tells what lies outside of its folder"
    for path in box.out.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert SECRET.encode() not in path.read_bytes(), f"{path.name} holds what lies outside of its folder"
    return outcome


def _state(box: Sandbox) -> dict[str, tuple[int, int]]:
    """Every file of the sandbox but those that the reader may write, by size and time of change."""
    found = {}
    for path in box.root.rglob("*"):
        if box.out not in (path, *path.parents) and not path.is_dir():
            stat = path.lstat()
            found[str(path)] = (stat.st_size, stat.st_mtime_ns)
    return found


def _peak() -> int:
    """The most memory that this process ever held, in bytes (Linux counts in units of 1024)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@contextmanager
def _clock(seconds: int) -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise EndlessError(f"not at an end after {seconds} s")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
