"""What measurements of a stream say, and what to change: every rule of ``surgsigma bench``, as a pure function."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

PARTS = ("read", "json", "jpeg", "png", "video", "resize", "other", "wait")
"""What the threads of a stream spend their time on. ``read`` includes waiting for a disk or the network, ``png`` all
other pictures, masks and depth maps, ``other`` copies and checks, ``wait`` is having nothing to do."""

MUCH = 0.5
"""Share of the time from which on a part is what bounds a stream."""
SOME = 0.2
"""Share of the time from which on a part is worth a change."""
BUSY = 0.85
"""Share of the cores from which on there is nothing left for more threads."""
SAME = 0.95
"""Ratio of rates from which on the cheaper setting is as good."""
SCALES = 1.15
"""Ratio of rates from which on more threads have helped."""
CROWDED = 0.7
"""Share of the cores that threads had work for, below which others have taken the rest."""
NOISE = 0.3
"""Difference of the rounds, of their median, above which they say little."""
IDLE = 0.05
"""Share of its time that a training loop may wait for samples and still be called fed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One setting, measured.

    Attributes:
        threads: That decode; 0 is the thread of the loop itself.
        workers: Processes of a DataLoader; 0 is none.
        rates: Samples a second, by round.
        first_sample: Seconds from opening the stream to its first sample.
        cores: Cores that were busy, on average; None where workers are not counted.
        memory: Most bytes that were in use; None where the system does not say.
        shares: Of the threads' time, by part; they add up to 1. None for workers.
        loop_waits: Share of the time in which the loop waited for a sample.
        skipped: Samples that could not be read.
    """

    threads: int
    workers: int = 0
    rates: tuple[float, ...]
    first_sample: float
    cores: float | None
    memory: int | None
    shares: Mapping[str, float] | None
    loop_waits: float
    skipped: int = 0

    @property
    def rate(self) -> float:
        """Samples a second: the median of the rounds."""
        return statistics.median(self.rates)

    @property
    def name(self) -> str:
        """What was set, in words."""
        if self.workers:
            return f"{self.workers} worker{'s' if self.workers > 1 else ''}"
        return f"{self.threads} thread{'' if self.threads == 1 else 's'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What the measurements were made with.

    Attributes:
        cores: That this process may use.
        remote: Whether the tree is elsewhere.
        cache: Whether its blocks are kept on disk.
        kernel: What resizes: ``torch``, ``pillow`` or, where nothing does, empty.
        simplejpeg: Whether that package is installed.
        torch: Whether that package is installed.
        step: Seconds that the loop pretended to train for each batch.
    """

    cores: int
    remote: bool
    cache: bool = False
    kernel: str = ""
    simplejpeg: bool = True
    torch: bool = True
    step: float = 0.0


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing to change, or to leave.

    Attributes:
        rule: Its name in :data:`RULES`.
        text: For a person.
    """

    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What bounds the best setting without workers, and what to do."""

    best: Measured
    bound: str
    share: float
    advice: tuple[Advice, ...]


def judge(measured: Sequence[Measured], here: Here) -> Verdict:
    """The verdict on some settings, at least one of which has no workers."""
    best = max((m for m in measured if not m.workers), key=lambda m: m.rate)
    shares = best.shares or {}
    part = max(PARTS, key=lambda p: shares.get(p, 0.0))
    found = [Advice(name, text) for name, rule in RULES.items() if (text := rule(best, measured, here))]
    return Verdict(best, _bound(part, here), shares.get(part, 0.0), tuple(found))


def _bound(part: str, here: Here) -> str:
    if part == "read":
        return "network" if here.remote else "disk"
    if part == "wait":
        return "loop" if here.step else "hand-over"
    return part


def _share(m: Measured, part: str) -> float:
    return (m.shares or {}).get(part, 0.0)


_Rule = Callable[[Measured, Sequence[Measured], Here], str]
"""Gets the best setting without workers, all settings, and what they were made with; empty: nothing to say."""


def _crowded(best: Measured, all_: Sequence[Measured], here: Here) -> str:
    working = max(1, best.threads) * (1 - _share(best, "wait") - _share(best, "read"))
    if best.cores is None or here.step or working < MUCH or best.cores >= CROWDED * min(working, here.cores):
        return ""
    return (
        f"Threads had work for {min(working, here.cores):.1f} cores and got {best.cores:.1f}: other programs use this "
        "machine. Figures are too low; their ratios hold."
    )


def _noise(best: Measured, all_: Sequence[Measured], here: Here) -> str:
    worst = max((max(m.rates) - min(m.rates)) / m.rate for m in all_)
    if worst <= NOISE:
        return ""
    return f"The rounds differ by {worst:.0%} of their median: measure longer (--seconds, --rounds)."


def _fed(best: Measured, all_: Sequence[Measured], here: Here) -> str:
    if not here.step:
        return ""
    if best.loop_waits <= IDLE:
        return f"A loop with this step waits for samples {best.loop_waits:.0%} of its time: the stream keeps up."
    return f"A loop with this step waits for samples {best.loop_waits:.0%} of its time: the stream holds it up."


def _network(best: Measured, all_: Sequence[Measured], here: Here) -> str:
    if not here.remote or _share(best, "read") < MUCH:
        return ""
    keep = (
        "Its cache only helps from the second epoch on. "
        if here.cache
        else "Keep what was read with Remote(cache=FOLDER), which pays from the second epoch on. "
    )
    return (
        f"The network bounds: {_share(best, 'read'):.0%} of the time is waiting for bytes. {keep}More requests at a "
        "time (Remote(connections=...)) help where each is slow; more threads do not."
    )


def _disk(best: Measured, all_: Sequence[Measured], here: Here) -> str:
    if here.remote or _share(best, "read") < MUCH:
        return ""
    return (
        f"The disk bounds: {_share(best, 'read'):.0%} of the time is reading. Put the tree on a faster disk, or use "
        'shuffle="block", which reads forwards.'
    )


def _simplejpeg(best: Measured, all_: Sequence[Measured], here: Here) -> str:
    if here.simplejpeg or _share(best, "jpeg") < SOME:
        return ""
    return (
        "simplejpeg is not installed. It gives the same pixels of JPEG in less time: "
        "pip install 'surgsigma-hub[stream]'"
    )


def _torch_resize(best: Measured, all_: Sequence[Measured], here: Here) -> str:
    if here.kernel != "pillow" or _share(best, "resize") < SOME:
        return ""
    install = "" if here.torch else " (pip install 'surgsigma-hub[torch]')"
    return (
        f"Resizing by Pillow takes {_share(best, 'resize'):.0%} of the time. Torch{install} is several times as fast: "
        'Rgb(..., kernel="torch"), or import torch before the stream is made.'
    )


def _smaller(best: Measured, all_: Sequence[Measured], here: Here) -> str:
    if here.kernel != "torch" or _share(best, "resize") < MUCH:
        return ""
    return (
        f"Resizing takes {_share(best, 'resize'):.0%} of the time. A smaller short side, or max_pixels, costs less; "
        "Rgb(..., fast=True) lets the JPEG decoder scale, inexactly."
    )


def _video(best: Measured, all_: Sequence[Measured], here: Here) -> str:
    if _share(best, "video") < MUCH:
        return ""
    return (
        f"Decoding videos takes {_share(best, 'video'):.0%} of the time. Fewer frames, near each other, decode less; "
        "SURGSIGMA_VIDEO=torchcodec tries another reader."
    )


def _threads(best: Measured, all_: Sequence[Measured], here: Here) -> str:
    tried = sorted((m for m in all_ if not m.workers), key=lambda m: m.threads)
    enough = next(m for m in tried if m.rate >= SAME * best.rate)
    if enough.threads < best.threads:
        return f"threads={enough.threads} is enough: more gave {best.rate / enough.rate:.2f} times that at most."
    busy = (best.cores or 0.0) / here.cores
    last = best is tried[-1]
    if busy >= BUSY:
        return f"threads={best.threads}: the cores are busy ({best.cores:.1f} of {here.cores}), more would not help."
    helped = len(tried) < 2 or best.rate >= SCALES * tried[-2].rate
    if last and helped and _share(best, "wait") < MUCH and _share(best, "read") < MUCH:
        return (
            f"threads={best.threads} is the most that was tried, and {best.cores or 0:.1f} of {here.cores} cores were "
            f"busy: try --threads {best.threads},{2 * max(1, best.threads)}."
        )
    return f"threads={best.threads} was the fastest."


def _workers(best: Measured, all_: Sequence[Measured], here: Here) -> str:
    workers = max((m for m in all_ if m.workers), key=lambda m: m.rate, default=None)
    if workers is None:
        return ""
    ratio = workers.rate / best.rate
    if ratio * SAME <= 1:
        return (
            f"{workers.name} of a DataLoader gave {ratio:.2f} times what {best.name} gave: use num_workers=0 and "
            f"threads={best.threads}. Workers send every image from process to process."
        )
    return f"{workers.name} of a DataLoader gave {ratio:.2f} times what {best.name} gave: use them."


def _skipped(best: Measured, all_: Sequence[Measured], here: Here) -> str:
    most = max(m.skipped for m in all_)
    return f"{most:,} samples could not be read. Look at them with: surgsigma validate" if most else ""


RULES: dict[str, _Rule] = {
    "skipped": _skipped,
    "crowded": _crowded,
    "noise": _noise,
    "fed": _fed,
    "network": _network,
    "disk": _disk,
    "simplejpeg": _simplejpeg,
    "torch_resize": _torch_resize,
    "smaller": _smaller,
    "video": _video,
    "threads": _threads,
    "workers": _workers,
}
"""Every rule by name, in the order in which advice is given."""
