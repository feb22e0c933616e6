"""What a loader is: declarative :class:`SourceInfo`, options, and the :class:`Source` base class."""

from __future__ import annotations

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from ..errors import LayoutError, SurgSigmaError, UnknownNameError
from ..ontology import resolve_frame
from ..records import BoxExtent, Coverage, Defect, Fact, Frame, LabelOrigin, Recording, Stated, Video, VideoTimeline
from .terms import SourceTerms, terms_of


class Access(StrEnum):
    """How a reader gets the source's own files."""

    OPEN = "open"
    REQUEST = "request"
    REGISTRATION = "registration"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """All that is known of a source without opening a file.

    Attributes:
        name: Config-safe id, equal to the loader's module name.
        layout: The folder layout the loader expects, as shown in error messages.
        access_steps: What to do to get the files, in one or two sentences.
        facts: The kinds of fact that its annotations hold; tasks follow from them.
        split_schemes: Split schemes the user can choose by name, the default first, with the splits of each.
        license: Hub licence id of the source's data.
        coverage: How much of what is there each list of facts names; a fact that is not a key names all of it. The
            reason of each entry stands in the source's card.
        box_extent: What a box of an instrument encloses; None where the source has no boxes.
        stated_terms: What may be published of it, for sources that come without a file of terms.
    """

    name: str
    title: str
    specialty: str
    procedure: str
    modality: str
    license: str
    access: Access
    access_steps: str
    homepage: str
    layout: str
    facts: frozenset[Fact]
    split_schemes: Mapping[str, tuple[str, ...]]
    label_origin: LabelOrigin = "expert"
    needs_root: bool = True
    coverage: Mapping[Fact, Coverage] = field(default_factory=dict)
    box_extent: BoxExtent | None = None
    stated_terms: SourceTerms | None = None

    @property
    def terms(self) -> SourceTerms:
        """What may be published of it: as stated here, else in the package's ``terms/<name>.yaml``."""
        return self.stated_terms or terms_of(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of a source; a loader subclasses this, every field has a default and a ``help`` in its metadata."""

    split_scheme: str = field(default="", metadata={"help": "split scheme by name; empty takes the source's default"})


_N = TypeVar("_N", int, float)
_ONE_VIDEO = "; VIDEO:VALUE,... for some videos only"


@dataclass(frozen=True, slots=True, kw_only=True)
class FootageOptions(Options):
    """What a user may state of footage of her own; a loader takes those that its footage can need."""

    starts_at: str = field(
        default="", metadata={"help": "second of the recording at which the footage begins" + _ONE_VIDEO}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOptions(FootageOptions):
    """Options of sources whose footage is numbered images."""

    image_fps: str = field(
        default="", metadata={"help": "numbers per second in the names of images, such as 25" + _ONE_VIDEO}
    )
    image_base: str = field(default="", metadata={"help": "number of the first image, such as 0" + _ONE_VIDEO})


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOptions(FootageOptions):
    """Options of sources whose footage is films."""

    film_fps: str = field(
        default="",
        metadata={"help": "frames per second at which films show the frames of the release" + _ONE_VIDEO},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FilmOrImageOptions(ImageOptions):
    """Options of sources whose footage is either."""

    film_fps: str = field(default="", metadata={"help": FilmOptions.__dataclass_fields__["film_fps"].metadata["help"]})


def stated_of(options: Options, video: str) -> Stated:
    """What ``options`` state of the footage of one video.

    Raises:
        SurgSigmaError: a value that does not parse.
    """
    return Stated(
        starts_at=_value(options, "starts_at", video, _second),
        film_fps=_value(options, "film_fps", video, _rate),
        image_fps=_value(options, "image_fps", video, _rate),
        image_base=_value(options, "image_base", video, int),
    )


def _second(text: str) -> float:
    second = float(text)
    if not math.isfinite(second):
        raise ValueError(text)
    return second


def _rate(text: str) -> float:
    """A rate above 0; of those that television writes in short, such as 29.97, the exact one."""
    rate = float(text)
    exact = round(rate * 1001 / 1000) * 1000 / 1001
    if not 0 < rate < 10_000:
        raise ValueError(text)
    return exact if rate != round(rate) and abs(rate - exact) < 0.005 else rate


def _value(options: Options, name: str, video: str, kind: Callable[[str], _N]) -> _N | None:
    text = str(getattr(options, name, ""))
    if not text:
        return None
    try:
        parsed = {key: kind(value) for key, value in _by_video(text).items()}
    except (ValueError, ZeroDivisionError, OverflowError):
        raise SurgSigmaError(
            f"option {name}={text!r}: expected one number, or a number for each video, such as {name}=video01:2",
        ) from None
    return parsed.get(video, parsed.get(""))


def _by_video(text: str) -> dict[str, str]:
    """The value of each video, and under an empty name that of all others.

    Raises:
        ValueError: two values for one video.
    """
    entries = [entry.strip().rpartition(":") for entry in text.split(",")]
    values = {key.strip(): value.strip() for key, _, value in entries}
    if len(values) != len(entries):
        raise ValueError(text)
    return values


def check_stated(source: Source, videos: Iterable[str]) -> None:
    """Check that what the options of ``source`` state is stated of videos that it has.

    Args:
        source: Opened, so that its options parse.
        videos: Ids of all its videos, whatever split is asked for.

    Raises:
        UnknownNameError: naming the first unknown video, and those that are known.
    """
    known = set(videos)
    for option in fields(Stated):
        text = str(getattr(source.options, option.name, ""))
        for video in _by_video(text) if text else ():
            if video and video not in known:
                raise UnknownNameError("video", video, known, where=f"option {option.name} of {source.info.name}")


def _is_utf8(path: Path) -> bool:
    try:
        return bool(os.fspath(path).encode())
    except UnicodeEncodeError:
        return False


class Source(ABC):
    """One dataset's native layout, and nothing else.

    A subclass sets ``info`` (and ``options_type`` where it has options of its own) and gives :meth:`videos` and
    :meth:`frames`, and :meth:`recording` where footage has a time. It never mentions a task, never decodes a picture,
    never makes a time a picture (``media.moments`` does) and yields native label names.

    Args:
        root: Folder of the user's copy; None for sources that make their own data.
        options: An instance of ``options_type``.
    """

    info: ClassVar[SourceInfo]
    options_type: ClassVar[type[Options]] = Options

    def __init__(
        self, root: Path | None = None, options: Options | None = None, *, cache_dir: Path | None = None
    ) -> None:
        self.options: Any = options if options is not None else self.options_type()
        self.cache_dir = cache_dir
        stated_of(self.options, "")  # an option that does not parse shall fail now, not in the middle of a build
        scheme = self.options.split_scheme or next(iter(self.info.split_schemes))
        if scheme not in self.info.split_schemes:
            raise UnknownNameError("split scheme", scheme, self.info.split_schemes, where=self.info.name)
        self.split_scheme = scheme
        if self.info.needs_root:
            if root is None:
                raise self.layout_error(None, "no folder was given (--root)")
            if not root.is_dir():
                raise self.layout_error(root, "it is not a folder")
            if not _is_utf8(root):  # plans, reports and readers of videos hold paths as text
                raise self.layout_error(root, "its name, or that of a folder it lies in, is not UTF-8: rename it")
        self._root = root

    @property
    def root(self) -> Path:
        """The user's copy; only for sources that need one."""
        if self._root is None:
            raise SurgSigmaError(f"source {self.info.name!r} has no root folder")
        return self._root

    @abstractmethod
    def videos(self) -> Iterable[Video]:
        """All videos found under the root, in a fixed order; cheap (no media opened).

        Raises:
            LayoutError: nothing there looks like this source.
        """

    @abstractmethod
    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The annotated moments of one video in time order, with a :class:`Defect` for each thing left out."""

    def course(self, video: Video) -> VideoTimeline | None:
        """Segments of one video as a whole, ``moments`` left empty; None where the source has none.

        Its ``footage`` is that of :meth:`recording`; only a source without recordings fills it in.
        """
        return None

    def recording(self, video: Video) -> Recording | None:
        """What the release says of the footage of one video, for frames that come without a picture.

        None where labels name their pictures themselves. Opens no media: films and images are named, not looked at.
        """
        return None

    def stated(self, video: Video) -> Stated:
        """What the user states of the footage of one video by options, see :class:`FootageOptions`."""
        return stated_of(self.options, video.id)

    def resolved(self, frame: Frame) -> Frame:
        """``frame`` with its labels resolved, and with what this source states of its lists and boxes filled in.

        Raises:
            LabelError: naming the first label that is not in the source's table.
        """
        info = self.info
        known = resolve_frame(info.name, frame)
        if not info.coverage and info.box_extent is None:
            return known
        return replace(
            known, coverage={**info.coverage, **known.coverage}, box_extent=known.box_extent or info.box_extent
        )

    def find_home(self, fits: Callable[[Path], bool], missing: str) -> Path:
        """The folder that ``fits``: the root or, one level deep, the only such folder in it.

        Args:
            fits: Whether a folder holds the dataset.
            missing: What to say where none does.

        Raises:
            LayoutError: no folder fits, or several do.
        """
        if fits(self.root):
            return self.root
        inner = [p for p in sorted(self.root.iterdir()) if p.is_dir() and p.name != "__MACOSX" and fits(p)]
        if not inner:
            raise self.layout_error(self.root, missing)
        if len(inner) > 1:
            names = ", ".join(p.name for p in inner[:5])
            raise self.layout_error(self.root, f"it holds several copies ({names}); give one of them")
        return inner[0]

    def layout_error(self, root: Path | None, found: str) -> LayoutError:
        """An error that shows the layout expected and where to get access."""
        place = f"{root}: " if root else ""
        return LayoutError(
            f"{place}this does not look like {self.info.title}: {found}",
            hint=f"Expected layout:\n{self.info.layout.rstrip()}\n"
            f"  Access: {self.info.access_steps} ({self.info.homepage})",
        )

    def relative(self, path: Path) -> str:
        """``path`` as reports may show it: relative to the root."""
        if self._root is not None and path.is_relative_to(self._root):
            return path.relative_to(self._root).as_posix()
        return path.name


def parse_options(source: type[Source], pairs: Mapping[str, str]) -> Options:
    """Turn ``key=value`` strings into the options of ``source``; types follow the fields' defaults.

    Raises:
        UnknownNameError: no such option.
        SurgSigmaError: a value that does not parse.
    """
    known = {f.name: f for f in fields(source.options_type)}
    values: dict[str, Any] = {}
    for key, text in pairs.items():
        if key not in known:
            raise UnknownNameError("option", key, known, where=f"source {source.info.name}")
        default: Any = known[key].default
        try:
            if isinstance(default, bool):
                values[key] = {"true": True, "1": True, "false": False, "0": False}[text.lower()]
            else:
                values[key] = type(default)(text)
        except (KeyError, ValueError):
            raise SurgSigmaError(
                f"option {key}={text!r} of source {source.info.name!r} is not a {type(default).__name__}"
            ) from None
    return source.options_type(**values)
