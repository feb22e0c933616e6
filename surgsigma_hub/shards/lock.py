"""One writer at a time: a lock file in a folder that is made for the work and goes again when nothing is left in it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import BuildError

logger = logging.getLogger(__name__)


@contextmanager
def only_writer(folder: Path, *, name: str = "lock", shown: Path, work: str) -> Iterator[None]:
    """Hold ``folder``, which is made where it is missing; at the end it is removed if it is empty, as is ``shown``.

    Args:
        folder: Where the lock file is.
        name: Name of the lock file.
        shown: What the user asked to be written, for messages.
        work: What writes, for messages: "build".

    Raises:
        BuildError: somebody else holds it, or it cannot be written, or a file cannot be read or written while it is
            held: the disk is full, for example.
    """
    hint = "Choose another folder with --out."
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / name)
        lock.acquire(timeout=0)
    except Timeout:
        raise BuildError(f"another {work} is writing into {shown}", hint=f"Wait for it to end. {hint}") from None
    except OSError as error:
        raise BuildError(f"cannot write into {shown}: {error.strerror or error}", hint=hint) from None
    try:
        yield
    except OSError as error:
        # A full disk says so when something is written, whichever part of the work that is.
        raise BuildError(
            f"{error.filename or shown}: {error.strerror or error}",
            hint="What is unfinished does not count. Mend this, then run the same command again.",
        ) from error
    finally:
        (folder / name).unlink(missing_ok=True)
        lock.release()
        for one in (folder, shown):
            try:
                one.rmdir()
            except OSError:
                logger.debug("%s is kept: it is not empty", one.name)
