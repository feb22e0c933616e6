"""The JSON of a SurgSigma-DB release video by video, so that a worker does not read the annotations of all others."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import orjson

from ...errors import BadRowError
from ...records import Defect, Reason
from ...source.layout import matches
from ...whole_files import fingerprint, made_once
from .sigma_release import Release, Row, parse_release

_STRAYS = "strays.jsonl"
_MOST = 16 << 30
"""Bytes of the pieces of one release; the first one has 0.4 GB."""


def annotations_in(root: Path, chosen: str) -> Path:
    """The JSON of a release, which is the one of its folder or the one chosen.

    Raises:
        BadRowError: there is none, or there are several.
    """
    if chosen:
        if not Path(root, chosen).is_file():
            raise BadRowError(f"there is no file {chosen}")
        return Path(root, chosen)
    found = [path for _, path in matches(root, "*.json")]
    if len(found) != 1:
        names = ", ".join(p.name for p in found[:5])
        what = f"there are {len(found)} *.json ({names}); choose with --option annotations=NAME" if found else ""
        raise BadRowError(what or "there is no *.json")
    return found[0]


class SigmaPieces:
    """The annotations of one release by number of the video; kept as a file each where there is a cache folder.

    Args:
        path: The JSON.
        cache_dir: Where to keep the pieces; None reads the whole of it once.
    """

    def __init__(self, path: Path, cache_dir: Path | None) -> None:
        self.path = path
        self._cache = cache_dir

    def videos(self) -> set[int]:
        """Numbers of the videos with an annotation.

        Raises:
            BadRowError: the file is no such release.
        """
        if self._cache is None:
            return set(self._release.rows)
        return {int(p.stem) for p in self._folder.glob("*.jsonl") if p.stem.isdecimal()}

    def rows(self, number: int) -> list[Row]:
        """The annotations of one video.

        Raises:
            BadRowError: the file is no such release.
        """
        if self._cache is None:
            return self._release.rows.get(number, [])
        return [(row[0], row[1]) for row in map(orjson.loads, self._lines(f"{number}.jsonl"))]

    def strays(self) -> list[Defect]:
        """What could be given to no video.

        Raises:
            BadRowError: the file is no such release.
        """
        if self._cache is None:
            return self._release.strays
        found = map(orjson.loads, self._lines(_STRAYS))
        return [Defect(Reason(d["reason"]), d["where"], d["detail"]) for d in found]

    def _lines(self, name: str) -> list[bytes]:
        piece = self._folder / name
        return piece.read_bytes().splitlines() if piece.exists() else []

    @cached_property
    def _release(self) -> Release:
        return parse_release(self.path.read_bytes(), name=self.path.name)

    @cached_property
    def _folder(self) -> Path:
        assert self._cache is not None

        def make(folder: Path) -> None:
            release = parse_release(self.path.read_bytes(), name=self.path.name)
            folder.mkdir()
            for number, of_video in release.rows.items():
                with (folder / f"{number}.jsonl").open("wb") as file:
                    file.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in of_video)
            strays = b"".join(orjson.dumps(d, option=orjson.OPT_APPEND_NEWLINE) for d in release.strays)
            (folder / _STRAYS).write_bytes(strays)

        return made_once(self._cache / f"surgsigma_v01-{fingerprint(self.path)}", make, most=_MOST)
