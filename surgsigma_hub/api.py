"""The public lists: what sources and tasks there are, and which source offers which task."""

from __future__ import annotations

from .source import SourceInfo, all_sources
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
