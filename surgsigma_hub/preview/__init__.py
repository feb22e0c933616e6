"""A contact sheet: a few samples of a tree or shard as cards, with their answers drawn in."""

from __future__ import annotations

import io
from pathlib import Path

from ..errors import ShardError
from ..shards.sampling import pick
from ..whole_files import write_atomic
from .pictures import picture, picture_height
from .sheet import sheet
from .style import CARD_WIDTH, GAP, MARGIN, PICTURE_HEIGHTS

__all__ = ["CARD_WIDTH", "GAP", "MARGIN", "PICTURE_HEIGHTS", "picture", "picture_height", "preview", "sheet"]


def preview(path: Path, out: Path, *, count: int = 12, task: str | None = None, seed: int = 0) -> int:
    """Write a PNG of samples, spread over the tasks and sources of a tree.

    Media that cannot be shown (damaged, missing, of no known form) are drawn as a panel that says why.

    Args:
        path: The folder of a tree, or one tar.
        out: The PNG to write.
        count: How many samples at most.
        task: Only this task.
        seed: Shows other samples; the same data and seed give the same picture.

    Returns:
        The number of samples shown.

    Raises:
        ShardError: nothing to show there, or a damaged shard.
        UnknownNameError: the tree has no such task.
    """
    picked = pick(path, count=count, task=task, seed=seed)
    if not picked:
        raise ShardError(f"{path}: holds no sample to show")
    image = sheet(picked, title=path.resolve().stem if path.is_file() else path.resolve().name)
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=7)
    write_atomic(out, data.getvalue())
    return len(picked)
