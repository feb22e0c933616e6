"""CholecT45: triplets of instrument, verb and target once a second in 45 operations of Cholec80, as tables of 0 and 1.

The traps of this source and what is done about them are told in ``dataset_cards/cholect45.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from surgsigma_hub.parsers.cells import table_text
from surgsigma_hub.parsers.frame_tables import Flags, FrameRows, FrameTable, read_frame_table
from surgsigma_hub.parsers.releases.triplet_vectors import NAMES, NULL_TARGET, NULL_VERB, published_triplets
from surgsigma_hub.parsers.runs import course_of_lists
from surgsigma_hub.records import Coverage, Defect, Fact, Frame, Label, Reason, Triplet, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Files,
    Home,
    ImageFolders,
    ImageOptions,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    StepOptions,
    VideoLabels,
)
from surgsigma_hub.source.numbered_files import as_ended

_KINDS = ("triplet", "instrument", "verb", "target")
_LINE = re.compile(r"\s*([0-9]{1,3})\s*[:,]\s*(\S.*?)\s*")


def _table(kind: str) -> FrameTable:
    names = published_triplets() if kind == "triplet" else NAMES[kind]
    return FrameTable(columns=(Flags(names),), kind=kind, delimiter=",", header=False)


@dataclass(frozen=True, kw_only=True)
class CholecT45Options(StepOptions, ImageOptions):
    """Options of CholecT45."""


class CholecT45(DeclaredSource):
    """Loader of CholecT45 (see the module)."""

    info = SourceInfo(
        name="cholect45",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REQUEST,
        access_steps="Fill in the CholecT45 request form linked from the homepage and unpack what is sent",
        layout="CholecT45/\n"
        "  triplet/VID01.txt instrument/VID01.txt verb/VID01.txt target/VID01.txt ...\n"
        "  data/VID01/000000.png ...      (1 image per second; .jpg is read too)\n"
        "  dict/triplet.txt               (optional, used to check the labels)\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.TISSUES, Fact.ACTIONS, Fact.TRIPLETS})
        | {Fact.ACTION_SEGMENTS, Fact.FOOTAGE},
        split_schemes=dict.fromkeys((f"crossval-{fold}" for fold in range(1, 6)), ("train", "val", "test")),
        coverage={Fact.TISSUES: Coverage.ACTED_ON},
    )
    options_type = CholecT45Options
    home = Home(all_of=("triplet/", "instrument/"))
    files = Files(**{kind: f"{kind}/VID{{number:02d}}.txt" for kind in _KINDS}, dict="dict/triplet.txt")
    images = ImageFolders(places=("data/VID{number:02d}",))
    video_id = "VID{number:02d}"

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation in Cholec80."""
        return f"cholec80/video{fields['number']:02d}"

    @cached_property
    def _otherwise(self) -> list[Defect]:
        """What the copy's own list of triplets says otherwise than the published one, which counts.

        Raises:
            LayoutError: most of it is another list.
        """
        path = as_ended(self.folder / "dict" / "triplet.txt")
        found: list[Defect] = []
        for n, line in enumerate(table_text(path).splitlines() if path.is_file() else (), 1):
            match = _LINE.fullmatch(line)
            known = match is not None and dict(enumerate(published_triplets())).get(int(match[1]))
            if line.strip() and (match is None or known != match[2].replace(" ", "")):
                detail = f"{line.strip()[:60]!r}, published is {known or 'id:instrument,verb,target'}, which is taken"
                found.append(Defect(Reason.LABEL_UNKNOWN, f"dict/triplet.txt line {n}", detail))
        if 2 * len(found) > len(published_triplets()):
            raise self.layout_error(self.root, f"{found[0].where} and most others: {found[0].detail}")
        return found

    def videos(self) -> list[Video]:
        """All videos with a table or images; a list of other triplets is refused before any of them is read."""
        self._otherwise  # noqa: B018
        return super().videos()

    def labels(self, video: Video) -> VideoLabels:
        """Triplets, and what they are made of, of each second."""
        first = video.data["number"] == min(fields["number"] for fields, _ in self.found.values())
        rows = {kind: read_frame_table(*self.file(video, kind), _table(kind)) for kind in _KINDS}
        seconds = sorted({n for table in rows.values() for n in table.listed})
        verbs = {n: None if names is None else _named(names) for n, names in rows["verb"].listed.items()}
        return VideoLabels(
            frames=[_frame(n, rows) for n in seconds],
            defects=[*(self._otherwise if first else ()), *(d for table in rows.values() for d in table.defects)],
            course=course_of_lists("action", verbs, fps=1),
            lasts=max(table.last for table in rows.values()) + 1,
            beyond=1 + max(table.unread for table in rows.values()),
        )


def _named(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in (NULL_VERB, NULL_TARGET))


def _frame(second: int, rows: dict[str, FrameRows]) -> Frame:
    listed = {kind: table.listed.get(second) for kind, table in rows.items()}
    lists = {k: None if v is None else tuple(map(Label, _named(v))) for k, v in listed.items()}
    triplets = listed["triplet"]
    return Frame(
        index=second,
        fps=1,
        instruments=lists["instrument"],
        actions=lists["verb"],
        tissues=lists["target"],
        triplets=None if triplets is None else tuple(Triplet(*map(Label, t.split(","))) for t in triplets),
    )
