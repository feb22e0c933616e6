"""A tree as a folder: where it lies already, or downloaded from the Hub for as long as it is needed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .published import is_published_place
from .repository import find_dataset


@contextmanager
def on_disk(target: Path | str) -> Iterator[Path]:
    """The folder of a tree.

    Args:
        target: A folder, or ``ORG/NAME`` with ``@REVISION`` if it is not the newest.

    Raises:
        SurgSigmaError: there is nothing of that name, or the Hub cannot be asked.
    """
    if Path(target).is_dir():
        yield Path(target)
        return
    repository, state = find_dataset(str(target))
    with tempfile.TemporaryDirectory(prefix="surgsigma-tree-") as folder:
        repository.download([place for place in state.files if is_published_place(place)], state.commit, Path(folder))
        yield Path(folder)
