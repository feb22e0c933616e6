"""A tree as a folder: where it lies already, or downloaded from the Hub for as long as it is needed."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import SurgSigmaError
from .published import is_published_place
from .repository import Repository


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
    name, _, revision = str(target).partition("@")
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", name):
        raise SurgSigmaError(
            f"{target}: there is no such folder here, and it is not of the form ORG/NAME or ORG/NAME@REVISION"
        )
    repository = Repository(name)
    state = repository.state(revision or "main")
    if state is None:
        raise SurgSigmaError(
            f"dataset {name} was not found at {repository.page.removesuffix(f'/datasets/{name}')}",
            hint="Check the spelling of ORG/NAME; for a private dataset log in first with: hf auth login",
        )
    with tempfile.TemporaryDirectory(prefix="surgsigma-tree-") as folder:
        repository.download([place for place in state.files if is_published_place(place)], state.commit, Path(folder))
        yield Path(folder)
