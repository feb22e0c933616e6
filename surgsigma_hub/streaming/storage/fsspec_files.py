"""Files of any store that fsspec knows, and what such a store says of their versions."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

from ...errors import ShardError, SurgSigmaError
from .deadline import within
from .response import RangeResponse, TransientError

_VERSION = (
    "ETag", "etag", "e_tag", "VersionId", "version_id", "generation", "md5Hash", "content_md5", "mtime", "LastModified",
    "last_modified", "updated", "created",
)  # fmt: skip
"""What file systems call that which changes with a file, the surest first."""


class FsspecFiles:
    """Files below a path of an fsspec file system: ``s3://``, ``gs://``, ``memory://``.

    Such a read does not say which version of the file it is of. The store is asked for that after a read, for each file
    at most once in ``every`` seconds: a file that is replaced in place may be read for so long before it is noticed.
    """

    every = 5.0

    def __init__(self, fs: Any, base: str) -> None:
        self._fs, self._base = fs, base.rstrip("/")
        self._known: dict[str, tuple[float, str, int]] = {}

    def read(
        self, place: str, start: int | None = None, end: int | None = None, *, most: int = 1 << 30,
        until: float = math.inf,
    ) -> RangeResponse:  # fmt: skip
        """See :class:`.options.Files`; a store that goes on beyond the clock is left to itself."""
        path = f"{self._base}/{place}"
        try:
            if start is not None and start < 0:
                _, tag, total = self._version(path, until)
                return RangeResponse(self._cat(path, max(0, total + start), total, until), tag, total)
            if start is None or end is None:
                data = self._cat(path, 0, most + 1, until)
                if len(data) > most:
                    raise ShardError(f"{place}: holds more than {most} bytes, which are not read")
                return RangeResponse(data, "")
            data = self._cat(path, start, end, until)
            known = self._known.get(place)
            short = len(data) != end - start
            if known is None or short or time.monotonic() - known[0] > self.every:
                known = self._known[place] = self._version(path, until)
        except FileNotFoundError:
            raise ShardError(f"{place}: is not there", hint="The tree was published in part, or moved.") from None
        except ShardError:
            raise
        except PermissionError as error:
            raise SurgSigmaError(f"{place}: the store refuses access ({str(error)[:120]})") from None
        except Exception as error:  # each file system raises its own kinds
            raise TransientError(f"{type(error).__name__}: {str(error)[:120]}") from None
        if len(data) > end - start:
            raise TransientError(f"asked for {end - start} bytes, got {len(data)}")
        if short and not 0 <= known[2] < end:
            raise TransientError(f"got {len(data)} of {end - start} bytes")
        return RangeResponse(data, known[1], known[2])

    def _cat(self, path: str, start: int, end: int, until: float) -> bytes:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer was not there in time")
        data: bytes
        if getattr(self._fs, "async_impl", False) and left < math.inf:
            from fsspec.asyn import sync

            data = sync(self._fs.loop, self._fs._cat_file, path, start=start, end=end, timeout=left)
        else:
            data = within(left, lambda: self._fs.cat_file(path, start=start, end=end))
        return data

    def glob(self, pattern: str, *, deadline: float) -> list[str]:
        """Paths below the base that fit.

        Raises:
            SurgSigmaError: the store does not say it within ``deadline`` seconds, or refuses to.
        """
        try:
            return sorted(map(str, within(deadline, lambda: self._fs.glob(f"{self._base}/{pattern}"))))
        except Exception as error:  # each file system raises its own kinds
            raise SurgSigmaError(
                f"{self._base}: cannot be listed ({type(error).__name__}: {str(error)[:120]})",
                hint="Check the address, the account and the network.",
            ) from None

    def close(self) -> None:
        """Nothing is held here."""

    def _version(self, path: str, until: float) -> tuple[float, str, int]:
        self._fs.invalidate_cache(path.rpartition("/")[0])  # a listing of before would say what was before
        info: Mapping[str, Any] = within(until - time.monotonic(), lambda: self._fs.info(path))
        size = info.get("size")
        version = next((str(info[name]) for name in _VERSION if info.get(name) is not None), "")
        return time.monotonic(), version, size if isinstance(size, int) else -1
