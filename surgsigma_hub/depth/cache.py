"""A folder of depth maps by video and moment, made by one model from one source. Needs no model to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from ..errors import BuildError, SurgSigmaError
from ..media.image import png_bytes
from ..records import FileImage, Frame
from ..schema import KEY
from ..whole_files import WholeFiles

CONVENTION = "larger is farther"
"""Of every stored map: relative depth, 16 bit, 0 the nearest pixel of its picture."""

HEADER = "depth.json"
_FORMAT = 1
_MOST = 256 << 20
"""Bytes of a map: twice those of the 64 million pixels that an image may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What made the maps of a folder.

    Attributes:
        model: Hub id of the model, or the name of its folder (never the path).
        revision: The revision that was asked for, None for the newest or for a folder.
        commit: Commit of the hub repository that was loaded, where known.
        sha256: Over the model's weights and settings: two models of one name differ here.
        processor: Settings of the model's image processor, its picture size among them.
        source: Name of the source whose pictures were looked at.
        options: Options of the source that can change its pictures.
        convention: Always :data:`CONVENTION`.
    """

    model: str
    sha256: str
    source: str
    revision: str | None = None
    commit: str | None = None
    processor: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    convention: str = CONVENTION
    format: int = _FORMAT


class DepthCache:
    """The maps in ``folder``: ``depth.json`` and ``<video>/<index>f<fps>[-<variant>].png``.

    Args:
        folder: As written by ``surgsigma depth``.

    Raises:
        BuildError: no such folder of depth maps, or one of another format.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = _files(folder)
        self.header = _read(folder)

    @classmethod
    def create(cls, folder: Path, header: Header) -> DepthCache:
        """The cache in ``folder``, made where it is not there yet, ready to be added to.

        Raises:
            BuildError: the folder holds maps of another model, source or options, or cannot be written.
        """
        path = folder / HEADER
        if not path.exists():
            try:
                text = orjson.dumps(header, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
                _files(folder).write(HEADER, text)
            except OSError as error:
                raise BuildError(
                    f"cannot write into {folder}: {error.strerror or error}",
                    hint="Choose a folder you may write with --out.",
                ) from None
        cache = cls(folder)
        for name in ("sha256", "source", "options", "processor"):
            there, now = getattr(cache.header, name), getattr(header, name)
            if there != now:
                shown = ("model", cache.describe(), describe(header)) if name == "sha256" else (name, there, now)
                raise BuildError(
                    f"{folder} holds depth maps of another {shown[0]}: {shown[1]}, asked for now: {shown[2]}",
                    hint="One folder holds the maps of one model and one source. Choose another --out, "
                    "or remove the folder.",
                )
        return cache

    def describe(self) -> str:
        """The model as provenance names it: ``depth-anything/Depth-Anything-V2-Small-hf@<commit or revision>``."""
        return describe(self.header)

    def path(self, video_id: str, frame: Frame) -> Path:
        """Where the map of a frame is, or would be.

        Raises:
            SurgSigmaError: an id or variant that cannot be part of a file name.
        """
        rate = f"{frame.fps:g}".replace(".", "p")
        name = "-".join(part for part in (f"{frame.index:06d}f{rate}", frame.variant) if part)
        for part in (video_id, name):
            if not KEY.fullmatch(part):
                raise SurgSigmaError(f"{part!r} cannot name a depth map: only letters, digits, _ and - may")
        return self.folder / video_id / f"{name}.png"

    def ref(self, video_id: str, frame: Frame) -> FileImage | None:
        """The map of a frame, None where there is none."""
        path = self.path(video_id, frame)
        return FileImage(path) if path.is_file() else None

    def write(self, video_id: str, frame: Frame, depth: npt.NDArray[np.uint16]) -> int:
        """Keep ``depth``, ``(H, W)``, as the map of a frame; whole or not at all. Returns the bytes written."""
        data = png_bytes(depth)
        self._files.write(self.path(video_id, frame).relative_to(self.folder).as_posix(), data)
        return len(data)


def describe(header: Header) -> str:
    """See :meth:`DepthCache.describe`; a model from a folder is told by its content.

    >>> describe(Header(model="tiny", sha256="0123456789abcdef", source="synthetic"))
    'tiny@sha256-0123456789ab'
    """
    return f"{header.model}@{header.commit or header.revision or f'sha256-{header.sha256[:12]}'}"


def _files(folder: Path) -> WholeFiles:
    """The folder's files; nothing is removed: its maps are what was asked for, a cache only to the next run."""
    return WholeFiles(folder, each=_MOST)


def _read(folder: Path) -> Header:
    path = folder / HEADER
    try:
        data = _files(folder).read(HEADER)
        if data is None:
            raise FileNotFoundError
        raw = orjson.loads(data)
        if raw["format"] != _FORMAT or raw["convention"] != CONVENTION:
            raise BuildError(
                f"{folder} holds depth maps of another format ({raw['format']}, {raw['convention']!r})",
                hint=f"Expected format {_FORMAT}, {CONVENTION!r}. Make them anew with: surgsigma depth",
            )
        return Header(**raw)
    except OSError:
        raise BuildError(
            f"{folder} is not a folder of depth maps: no {HEADER} in it", hint="Make one with: surgsigma depth --help"
        ) from None
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BuildError(
            f"{path} is damaged ({error})", hint="Remove the folder and make it anew with: surgsigma depth"
        ) from None
