"""One bucket on the Hub as something to write to: files by path without versions, held against their Xet hashes.

A bucket has no commits: each file changes by itself, and whoever reads meanwhile sees it. In which order files go is
decided by :mod:`.push_bucket`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..errors import SurgSigmaError
from .attempts import PushError, attempt
from .published import PublishedFile

_T = TypeVar("_T")
PREFIX = "hf://buckets/"
AT_ONCE = 250
"""Files of one upload: what is in one is compared with the bucket together."""


@dataclass(frozen=True, slots=True)
class BucketFile:
    """One file as a listing names it."""

    size: int
    xet: str


@dataclass(frozen=True, slots=True)
class BucketState:
    """What a bucket held when it was looked at."""

    files: Mapping[str, BucketFile]
    private: bool


class Bucket:
    """A bucket, written to with the token that the user is logged in with.

    Owns retries and what is the same; never decides what is published.

    Args:
        name: ``ORG/NAME``.
        wait: Called with the seconds to wait before another try.

    Raises:
        SurgSigmaError: the installed client knows no buckets.
    """

    def __init__(self, name: str, *, wait: Callable[[float], None] = time.sleep) -> None:
        from huggingface_hub import HfApi

        self.name, self._api, self._wait = name, HfApi(), wait
        self._hashes: dict[tuple[str, int, int], str] = {}
        if not hasattr(self._api, "batch_bucket_files"):
            raise SurgSigmaError(
                "the installed huggingface_hub knows no buckets", hint="pip install -U 'huggingface_hub>=1.31'"
            )

    @property
    def page(self) -> str:
        """Its address."""
        return f"{self._api.endpoint}/buckets/{self.name}"

    @property
    def url(self) -> str:
        """What readers call it."""
        return PREFIX + self.name

    def state(self) -> BucketState | None:
        """What it holds; None where there is no such bucket.

        Raises:
            PushError: the Hub cannot be asked.
        """
        from huggingface_hub.errors import BucketNotFoundError

        def ask() -> BucketState | None:
            try:
                info = self._api.bucket_info(self.name)
            except BucketNotFoundError:
                return None
            listed = self._api.list_bucket_tree(self.name, recursive=True)
            files = {one.path: BucketFile(one.size, one.xet_hash) for one in listed if one.type == "file"}
            return BucketState(files, bool(info.private))

        return self._attempt(ask, "it could not be looked at")

    def create(self, *, private: bool) -> None:
        """Make it; one that is there already is fine.

        Raises:
            PushError: the account may not.
        """
        self._attempt(
            lambda: self._api.create_bucket(self.name, private=private or None, exist_ok=True), "it could not be made"
        )

    def read(self, place: str) -> bytes:
        """A small file of it."""
        from huggingface_hub import HfFileSystem

        files = HfFileSystem(skip_instance_cache=True)
        data: bytes = self._attempt(
            lambda: files.cat_file(f"buckets/{self.name}/{place}"), f"its {place} could not be read"
        )
        return data

    def holds(self, files: Sequence[PublishedFile], state: BucketState) -> set[str]:
        """Places of the files that are there as they are on disk. Each is hashed once, and only where its size fits."""
        alike = [f for f in files if f.place in state.files and state.files[f.place].size == f.size]
        new = [f for f in alike if _key(f) not in self._hashes]
        if new:
            found = _xet().hash_files([str(file.path) for file in new])
            self._hashes |= {_key(file): one.hash for file, one in zip(new, found, strict=True)}
        return {f.place for f in alike if self._hashes[_key(f)] == state.files[f.place].xet}

    def send(self, files: Sequence[PublishedFile], gone: Sequence[str]) -> None:
        """Upload files and take others away; what was done before a failure is done again, which changes nothing.

        Raises:
            PushError: the Hub refuses it or cannot be reached.
        """
        _xet()
        self._attempt(
            lambda: self._api.batch_bucket_files(self.name, add=[_addition(f) for f in files], delete=list(gone)),
            "files were not taken",
        )

    def _attempt(self, step: Callable[[], _T], what: str) -> _T:
        return attempt(self.url, step, what, wait=self._wait)


def _xet() -> Any:
    """The client of the store in which buckets keep their content.

    Raises:
        SurgSigmaError: it is not installed.
    """
    try:
        import hf_xet
    except ImportError:
        raise SurgSigmaError(
            "a bucket is written through Xet, whose client is missing", hint="pip install hf-xet"
        ) from None
    return hf_xet


def _key(file: PublishedFile) -> tuple[str, int, int]:
    return file.place, file.size, file.modified


def _addition(file: PublishedFile) -> Any:
    """An addition of huggingface_hub that does not tell when the file was written on this machine."""
    from huggingface_hub._buckets import _BucketAddFile

    stat = file.path.stat()
    if (stat.st_size, stat.st_mtime_ns) != (file.size, file.modified):
        raise PushError(
            f"{file.place}: changed while it was being published", hint="Wait until nothing writes into the tree."
        )
    made = _BucketAddFile(source=str(file.path), destination=file.place)
    made.mtime = int(time.time() * 1000)
    return made
