"""What a loader is: declarative :class:`SourceInfo` in closed vocabularies, and the :class:`Source` base class."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

from ..errors import LayoutError, SurgSigmaError, UnknownNameError
from ..ontology import resolve_frame
from ..records import BoxExtent, Coverage, Defect, Fact, Frame, LabelOrigin, Recording, Stated, Video, VideoTimeline
from .options import Options, by_video, check_options, parsed_options, stated_of
from .terms import SourceTerms, terms_of


class Specialty(StrEnum):
    """The surgical specialty of a source."""

    GENERAL_SURGERY = "general_surgery"
    BARIATRIC_SURGERY = "bariatric_surgery"
    COLORECTAL_SURGERY = "colorectal_surgery"
    GASTRIC_SURGERY = "gastric_surgery"
    UROLOGY = "urology"
    GYNECOLOGY = "gynecology"
    GASTROENTEROLOGY = "gastroenterology"
    OPHTHALMOLOGY = "ophthalmology"
    NEUROSURGERY = "neurosurgery"
    SKILLS_TRAINING = "skills_training"


class Modality(StrEnum):
    """What the pictures of a source are taken with; ``ontology/forms/modalities.csv`` has the words for each."""

    LAPAROSCOPY = "laparoscopy"
    ROBOTIC_LAPAROSCOPY = "robotic_laparoscopy"
    FLEXIBLE_ENDOSCOPY = "flexible_endoscopy"
    ENDONASAL_ENDOSCOPY = "endonasal_endoscopy"
    SURGICAL_MICROSCOPY = "surgical_microscopy"
    ROBOTIC_BENCH = "robotic_bench"


class Procedure(StrEnum):
    """The operation that a source shows; ``ontology/procedures.csv`` says what each is."""

    LAPAROSCOPIC_CHOLECYSTECTOMY = "laparoscopic_cholecystectomy"
    ENDOSCOPIC_SUBMUCOSAL_DISSECTION = "endoscopic_submucosal_dissection"
    ROBOT_ASSISTED_RADICAL_PROSTATECTOMY = "robot_assisted_radical_prostatectomy"
    LAPAROSCOPIC_GASTRIC_BYPASS = "laparoscopic_gastric_bypass"
    CATARACT_SURGERY = "cataract_surgery"
    LAPAROSCOPIC_HYSTERECTOMY = "laparoscopic_hysterectomy"
    LAPAROSCOPIC_COLORECTAL_RESECTION = "laparoscopic_colorectal_resection"
    ROBOT_ASSISTED_RECTAL_RESECTION = "robot_assisted_rectal_resection"
    LAPAROSCOPIC_GASTRECTOMY = "laparoscopic_gastrectomy"
    ROBOT_ASSISTED_NEPHRECTOMY = "robot_assisted_nephrectomy"
    GYNECOLOGIC_LAPAROSCOPY = "gynecologic_laparoscopy"
    LAPAROSCOPIC_SURGERY = "laparoscopic_surgery"
    ENDOSCOPIC_PITUITARY_SURGERY = "endoscopic_pituitary_surgery"
    GASTROINTESTINAL_ENDOSCOPY = "gastrointestinal_endoscopy"
    SURGICAL_SKILLS_TRAINING = "surgical_skills_training"


class Access(StrEnum):
    """How a reader gets the source's own files."""

    OPEN = "open"
    REQUEST = "request"
    REGISTRATION = "registration"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True)
class About:
    """What the front matter of ``dataset_cards/<source>.md`` says of a source."""

    title: str
    license: str
    homepage: str


@cache
def about_source(name: str) -> About:
    """Title, licence and homepage of a source, from its card.

    Raises:
        SurgSigmaError: there is no such card, or it does not say.
    """
    import yaml

    path = resources.files("surgsigma_hub.dataset_cards") / f"{name}.md"
    front = path.read_text("utf-8").split("---\n", 2)[1] if path.is_file() else ""
    said = yaml.safe_load(front) or {}
    missing = [key for key in ("title", "license", "homepage") if not isinstance(said.get(key), str)]
    if missing or said.get("name") != name:
        raise SurgSigmaError(
            f"dataset_cards/{name}.md does not say {', '.join(missing) or 'the name'} of source {name!r}",
            hint=f"Begin it with front matter between two lines '---': name: {name}, title, license and homepage.",
        )
    return About(said["title"], said["license"], said["homepage"])


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo:
    """All that is known of a source without opening a file.

    Attributes:
        name: Config-safe id, equal to the loader's module name.
        layout: The folder layout the loader expects, as shown in error messages.
        access_steps: What to do to get the files, in one or two sentences.
        facts: The kinds of fact that its annotations hold; tasks follow from them.
        apart: Where facts are never of one moment, such as phases of films and outlines in other images: the groups of
            those that are. Empty where all may be.
        ends_known: Whether intervals have ends that are known; False for clips that are cut within one action each.
        split_schemes: Split schemes the user can choose by name, the default first, with the splits of each.
        coverage: How much of what is there each list of facts names; a fact that is not a key names all of it. The
            reason of each entry stands in the source's card.
        box_extent: What a box of an instrument encloses; None where the source has no boxes.
        about: Title, licence and homepage of a source without a card of its own; None reads them off its card.
        stated_terms: What may be published of it, for sources that come without a file of terms.

    Raises:
        UnknownNameError: specialty, procedure or modality is none of the closed vocabularies.
    """

    name: str
    specialty: Specialty
    procedure: Procedure
    modality: Modality
    access: Access
    access_steps: str
    layout: str
    facts: frozenset[Fact]
    split_schemes: Mapping[str, tuple[str, ...]]
    apart: tuple[frozenset[Fact], ...] = ()
    ends_known: bool = True
    label_origin: LabelOrigin = "expert"
    needs_root: bool = True
    coverage: Mapping[Fact, Coverage] = field(default_factory=dict)
    box_extent: BoxExtent | None = None
    about: About | None = None
    stated_terms: SourceTerms | None = None

    @property
    def together(self) -> tuple[frozenset[Fact], ...]:
        """Groups of facts that moments may hold together; a task needs all that it asks of in one of them."""
        return self.apart or (self.facts,)

    @property
    def terms(self) -> SourceTerms:
        """What may be published of it: as stated here, else in the package's ``terms/<name>.yaml``."""
        return self.stated_terms or terms_of(self.name)

    def __post_init__(self) -> None:
        for name, kind in (("specialty", Specialty), ("procedure", Procedure), ("modality", Modality)):
            value = getattr(self, name)
            if value not in tuple(kind):
                raise UnknownNameError(name, str(value), map(str, kind), where=f"source {self.name}")

    @property
    def title(self) -> str:
        """What the source is called."""
        return self._about.title

    @property
    def license(self) -> str:
        """Hub licence id of the source's data."""
        return self._about.license

    @property
    def homepage(self) -> str:
        """Where its own files are to be had."""
        return self._about.homepage

    @property
    def _about(self) -> About:
        return self.about or about_source(self.name)


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
        for video in by_video(text) if text else ():
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
        check_options(self.options, self.info.name)
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
    """The options of ``source`` from ``key=value`` strings.

    Raises:
        UnknownNameError: no such option.
        SurgSigmaError: a value that does not parse.
    """
    return parsed_options(source.options_type, pairs, source.info.name)
