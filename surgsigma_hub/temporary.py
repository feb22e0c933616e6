"""Temporary names: hidden, told apart by host, process and a random part, so that nobody takes another's for his own.

What a killed process left is removed again by whoever works in the same place later: only names of this form, only of
this host, and only where no process of that number runs any more.
"""

from __future__ import annotations

import logging
import os
import platform
import re
from pathlib import Path

logger = logging.getLogger(__name__)

_FORM = re.compile(r"\.(?P<name>.+)\.(?P<host>[A-Za-z0-9]*)-(?P<process>\d+)-[0-9a-f]{8}\.tmp")


def temporary_name(path: Path) -> Path:
    """A name beside ``path`` that no other call gives, here or on another machine: to write under, then to rename."""
    return path.with_name(f".{path.name}.{_host()}-{os.getpid()}-{os.urandom(4).hex()}.tmp")


def remove_leftovers(folder: Path, names: str = r".+") -> None:
    """Remove what killed processes of this host left in ``folder`` under temporary names.

    Args:
        folder: Only what lies in it, not below.
        names: Regular expression of the whole names that were to be written there.
    """
    for path in sorted(folder.glob(".*.tmp")):
        found = _FORM.fullmatch(path.name)
        if found is None or not re.fullmatch(names, found["name"]):
            continue
        if found["host"] != _host() or _runs(int(found["process"])):
            continue
        logger.info("removing %s of a run that was killed", path.name)
        if path.is_dir() and not path.is_symlink():
            import shutil  # here, since each stream imports this module

            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove all files under temporary names below ``folder``, which nobody writes to any more."""
    for path in sorted(folder.rglob(".*.tmp")):
        if _FORM.fullmatch(path.name) and not path.is_dir():
            path.unlink(missing_ok=True)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9]", "", platform.node())[:32]


def _runs(process: int) -> bool:
    if os.name != "posix":
        return True  # to ask would be to send a signal; what is left stays
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it belongs to somebody else
        return True
    return True
