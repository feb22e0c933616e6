"""What a loader keeps in its cache folder: made once, and either whole or not there."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def fingerprint(path: Path) -> str:
    """Names this state of a file (place, size, time of change), so that a cache made from an older one is not used."""
    stat = path.stat()
    state = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}"
    return hashlib.blake2b(state.encode(), digest_size=8).hexdigest()


def made_once(target: Path, make: Callable[[Path], None]) -> Path:
    """``target``, made by ``make`` if it is not there; workers that ask at the same time wait for the first one.

    Args:
        target: File or folder to have.
        make: Writes a file or a folder at the path it is given; on an error nothing is left behind.
    """
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f".{target.name}.lock")):
        if target.exists():
            return target
        temporary = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
        try:
            make(temporary)
            temporary.replace(target)
        except BaseException:
            if temporary.is_dir():
                shutil.rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)
            raise
    return target
