"""Files of a tree on disk: none that a link leads out to, whoever made the tree.

A tree that ``huggingface_hub`` keeps consists of links into the folder ``blobs`` of its dataset, which belongs to it.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ..errors import ShardError
from ..plain_file import open_descriptor


class TreeFiles:
    """What lies inside a tree.

    Args:
        tree: Its folder, which may itself be a link.
    """

    def __init__(self, tree: Path) -> None:
        self._tree = tree
        real = tree.resolve()
        self._homes = (real, real.parent.parent / "blobs") if real.parent.name == "snapshots" else (real,)
        self._folders: set[str] = set()

    def holds(self, path: Path) -> bool:
        """Whether a path, all links followed, is inside."""
        try:
            real = path.resolve()
        except (OSError, RuntimeError):  # links that go round in a circle
            return False
        return any(real.is_relative_to(home) for home in self._homes)

    def check(self, place: str) -> Path:
        """The path of a place.

        Raises:
            ShardError: it leads out of the tree.
        """
        path = self._tree / place
        if not self.holds(path):
            raise ShardError(
                f"{place}: is or lies behind a link that leads out of the tree, which is not followed",
                hint="Copy what it leads to into the tree, or link the whole tree instead of a part of it.",
            )
        return path

    def open(self, place: str) -> int:
        """A descriptor of the plain file at a place; looks behind links only where there are some.

        Raises:
            ShardError: it leads out of the tree.
            OSError: it cannot be opened, or is no plain file.
        """
        folder = place.rpartition("/")[0]
        if folder not in self._folders:
            self.check(folder)
            self._folders.add(folder)
        try:
            return open_descriptor(self._tree / place, follow=False)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.EMLINK):  # what O_NOFOLLOW says of a link
                raise
        return open_descriptor(os.path.realpath(self.check(place)))
