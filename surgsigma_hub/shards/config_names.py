"""Names of configs: a part of a tree belongs to four of them, or to two where it is laid out by medium."""

from __future__ import annotations

from ..schema import Layout

ALL = "all"
"""The config that holds everything."""

FRAMES = "frames"
"""Stands where a task does, for what is laid out by medium: each picture or clip once, with all that is asked of it."""

_SPLITS = ("train", "validation", "val", "test")


def config_names(task: str, source: str) -> tuple[str, ...]:
    """The configs that hold the samples of a task from a source: the task, the source, both, and everything.

    What is laid out by medium has another form, so that it stands in no config with samples of a task.

    >>> config_names("phase_recognition", "cholec80")
    ('phase_recognition', 'cholec80', 'phase_recognition-cholec80', 'all')
    >>> config_names("frames", "cholec80")
    ('frames', 'frames-cholec80')
    """
    if task == FRAMES:
        return task, f"{task}-{source}"
    return task, source, f"{task}-{source}", ALL


def layout_of_config(name: str) -> Layout:
    """The layout of what a config holds, by its name.

    >>> layout_of_config("frames-cholec80"), layout_of_config("all")
    ('frames', 'tasks')
    """
    return "frames" if name.partition("-")[0] == FRAMES else "tasks"


def split_order(name: str) -> tuple[int, str]:
    """Sort key of split names: train, validation, test, then the rest by name.

    >>> sorted(["test", "fold2", "train", "fold1"], key=split_order)
    ['train', 'test', 'fold1', 'fold2']
    """
    return (_SPLITS.index(name) if name in _SPLITS else len(_SPLITS), name)
