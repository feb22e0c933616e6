"""The public calls that need more than one floor of the house: what there is, and building a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .build.plan import Settings, choose_tasks
from .build.report import BuildReport
from .build.run import run_build
from .errors import SurgSigmaError
from .source import SourceInfo, all_sources, get_source
from .tasks import Task, all_tasks


def sources() -> dict[str, SourceInfo]:
    """Metadata of every source by name."""
    return {name: source.info for name, source in all_sources().items()}


def tasks() -> dict[str, Task]:
    """Metadata of every task by name."""
    return all_tasks()


def matrix() -> dict[str, tuple[str, ...]]:
    """For each source, the names of the tasks that its facts allow and that can be built today."""
    return {
        name: tuple(task.name for task in all_tasks().values() if task.working and task.offered_by(info.facts))
        for name, info in sources().items()
    }


def build(
    source: str,
    *,
    root: Path | str | None = None,
    out: Path | str = "surgsigma",
    tasks: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    workers: int = 1,
    options: Mapping[str, str] | None = None,
    seed: int = 0,
    jpeg_quality: int = 92,
    shard_bytes: int = 256 * 2**20,
    clip_fps: float = 10.0,
    clip_side: int = 480,
    joint: float = 0.2,
    explained: float = 0.2,
    max_quarantine: float = 0.05,
    progress: bool = False,
) -> BuildReport:
    """Build one source into a published tree; a second call adds a second source.

    Args:
        source: Name of the source, see :func:`sources`.
        root: Folder of your copy of it; not needed for ``synthetic``.
        out: The tree to make or to add to.
        tasks: Task names; all that the source offers when empty.
        splits: Splits of the source's split scheme; all when empty.
        workers: Processes. The bytes of the tree do not depend on it. With more than one, a script needs the usual
            ``if __name__ == "__main__":`` guard.
        options: Options of the source as strings, for example ``{"split_scheme": "challenge"}``.
        seed: Seeds the order of samples.
        jpeg_quality: 1..95, for frames that are no JPEG already.
        shard_bytes: Size near which shards are cut.
        clip_fps: Highest frame rate of clips; they keep every n-th frame of the footage, so that their rate is true.
        clip_side: Longest short side of clips in pixels.
        joint: Share (0..1) of training samples that ask two things at once, or one after the other.
        explained: Share (0..1) of training samples whose answer is followed by definitions of its labels.
        max_quarantine: Share of left-out things (0..1) above which the tree is not changed and ``ok`` is False.
        progress: Show progress bars on stderr.

    Returns:
        What was built and what was left out.

    Raises:
        SurgSigmaError: see :func:`surgsigma_hub.build.run.run_build`.
    """
    from .hub.cards import refresh

    kind = get_source(source)
    for name, value, low, high in (
        ("workers", workers, 1, 1024), ("jpeg_quality", jpeg_quality, 1, 95),
        ("shard_bytes", shard_bytes, 2**10, 2**40), ("max_quarantine", max_quarantine, 0, 1),
        ("clip_fps", clip_fps, 0.01, 240), ("clip_side", clip_side, 16, 2160),
        ("joint", joint, 0, 1), ("explained", explained, 0, 1),
    ):  # fmt: skip
        if not low <= value <= high:
            raise SurgSigmaError(f"{name}={value} is out of range, expected {low}..{high}")
    settings = Settings(
        source=source,
        root=Path(root).resolve() if root is not None and kind.info.needs_root else None,
        tasks=choose_tasks(source, tasks),
        splits=tuple(splits or ()),
        options=dict(options or {}),
        seed=seed,
        jpeg_quality=jpeg_quality,
        shard_bytes=shard_bytes,
        clip_fps=clip_fps,
        clip_side=clip_side,
        joint=joint,
        explained=explained,
    )
    return run_build(
        settings, out=Path(out), workers=workers, max_quarantine=max_quarantine, progress=progress, finish=refresh
    )
