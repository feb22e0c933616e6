"""Names of configs: every part of a tree belongs to four of them."""

from __future__ import annotations

ALL = "all"
"""The config that holds everything."""

_SPLITS = ("train", "validation", "val", "test")


def config_names(task: str, source: str) -> tuple[str, str, str, str]:
    """The configs that hold the samples of a task from a source: the task, the source, both, and everything.

    >>> config_names("phase_recognition", "cholec80")
    ('phase_recognition', 'cholec80', 'phase_recognition-cholec80', 'all')
    """
    return task, source, f"{task}-{source}", ALL


def split_order(name: str) -> tuple[int, str]:
    """Sort key of split names: train, validation, test, then the rest by name.

    >>> sorted(["test", "fold2", "train", "fold1"], key=split_order)
    ['train', 'test', 'fold1', 'fold2']
    """
    return (_SPLITS.index(name) if name in _SPLITS else len(_SPLITS), name)
