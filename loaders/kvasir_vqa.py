"""Kvasir-VQA: questions on 6,500 images of the gut: findings, landmarks and instruments.

What becomes of the questions, and the traps of this source, are told in ``dataset_cards/kvasir_vqa.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.picture_tables import PictureRow, ending_of, picture_columns, unpacked
from surgsigma_hub.parsers.questions import Asked, QuestionForms, forms, read_question_table
from surgsigma_hub.records import Coverage, Defect, Fact, FileImage, Frame, Label, Reason, Video
from surgsigma_hub.source import (
    Access,
    Fields,
    Home,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    Still,
    StillsSource,
)
from surgsigma_hub.source.layout import matches

_TYPED = forms(
    instruments=r"are there any instruments in the image\?(?: check all that are present\.?)?",
    abnormalities=r"are there any abnormalities in the image\?(?: check all that are present\.?)?",
    landmarks=r"are there any anatomical landmarks in the image\?(?: check all that are present\.?)?",
)
_UNTYPED = forms(
    a_number=r"how many .*",
    a_place_in_the_image=r"where in the image .*",
    a_colour=r"what colou?r .*",
    a_size_a_type_or_a_procedure=r"what (?:is the size|type) .*",
    yes_or_no_of_the_image=r"(?:have all polyps been removed|is th|does this image contain).*",
)
_NONE = frozenset({"none", "no", "normal", ""})
_TABLES = ("metadata.csv", "metadata.jsonl", "**/*.parquet")
_COLUMNS = ("img_id", "source")


class KvasirVQA(StillsSource):
    """Loader of Kvasir-VQA (see the module)."""

    info = SourceInfo(
        name="kvasir_vqa",
        specialty=Specialty.GASTROENTEROLOGY,
        procedure=Procedure.GASTROINTESTINAL_ENDOSCOPY,
        modality=Modality.FLEXIBLE_ENDOSCOPY,
        access=Access.OPEN,
        access_steps="Download the parquet files of SimulaMet-HOST/Kvasir-VQA from the Hub, or save the set as the "
        "homepage shows: each image once under its img_id in a folder images, the other columns as metadata.csv",
        layout="kvasir_vqa/                          (the folder above will do as well)\n"
        "  metadata.csv                       (columns source, question, answer, img_id; or the parquet files)\n"
        "  images/cl8k2u1pm1dw7083203g1b7yv.jpg ...\n"
        "or the parquet files of the Hub alone, whose images are unpacked once\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.TISSUES}),
        split_schemes={"hashed": ("train", "val", "test")},
    )
    home = Home(
        all_of=("images/",),
        any_of=_TABLES,
        missing="no folder images beside metadata.csv or parquet files, and no parquet file with images",
    )
    stills = ("images/{name}",)
    video_id = "{name}"

    @cached_property
    def folder(self) -> Path:
        """The home, or the folder of images that parquet files hold.

        Raises:
            LayoutError: there is neither.
        """
        return self._unpacked[0] if self._pictures else super().folder

    @cached_property
    def _pictures(self) -> list[Path]:
        """Parquet files with images, where these are not files of their own."""
        if self.search(self.home) is not None:
            return []
        return [path for _, path in matches(self.root, "**/*.parquet") if picture_columns(path)]

    @cached_property
    def _unpacked(self) -> tuple[Path, tuple[Defect, ...]]:
        tables = [(path, self.relative(path)) for path in self._pictures]
        return unpacked(tables, self.cache_dir, self.info.name, _images)

    def fields_at(self, fields: Fields, path: Path) -> Fields:
        """Nothing ties images to patients, so that each stands alone."""
        return {**fields, "image": 0}

    def label_files(self, still: Still) -> tuple[Path, ...]:
        """The tables of all questions."""
        return tuple(self._tables)

    @cached_property
    def _tables(self) -> list[Path]:
        if self._pictures:
            return self._pictures
        found = ([path for _, path in matches(self.folder, pattern)] for pattern in _TABLES)
        return next((paths for paths in found if paths), [])

    @cached_property
    def _asked(self) -> tuple[dict[str, list[Asked]], list[Defect]]:
        """The questions of each image, and rows that cannot be read."""
        found: dict[str, list[Asked]] = {}
        defects: list[Defect] = []
        for path in self._tables:
            where = self.relative(path)
            try:
                for row in read_question_table(path, where, others=_COLUMNS):
                    if isinstance(row, Defect):
                        defects.append(row)
                    elif row.rest[0]:
                        found.setdefault(row.rest[0], []).append(row)
                    else:
                        defects.append(Defect(Reason.ROW_MALFORMED, row.where, "the row names no image (img_id)"))
            except (BadRowError, OSError) as error:
                detail = error.message if isinstance(error, BadRowError) else f"cannot be opened ({error.strerror})"
                defects.append(Defect(Reason.ROW_MALFORMED, where, detail))
        lacking = sorted(found.keys() - self.found.keys())
        if lacking:
            detail = f"{len(lacking)} images that have questions are missing; the first is images/{lacking[0]}.jpg"
            defects.append(Defect(Reason.MEDIA_MISSING, "images", detail, len(lacking)))
        return found, defects

    @cached_property
    def _first(self) -> str:
        return self.videos()[0].id

    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """What the questions of one image say."""
        questions, defects = self._asked
        if video.id == self._first:
            yield from (*(self._unpacked[1] if self._pictures else ()), *defects)
        forms = QuestionForms(_TYPED, _UNTYPED)
        told: dict[str, Asked] = {}
        for row in questions.get(video.id, ()):
            found = forms.read(row)
            other = told.setdefault(found[0], row) if found else row
            if other.answer != row.answer:
                detail = f"{row.question!r:.60} has another answer in {other.where}: the image is left out"
                yield Defect(Reason.DUPLICATE_ID, row.where, detail)
                return
        yield from forms.defects()
        if lacking := [form for form in ("instruments", "abnormalities", "landmarks") if form not in told]:
            where = ", ".join(map(self.relative, self._tables)) or self.relative(still.path)
            yield Defect(Reason.LABEL_MISSING, where, f"no question on {', '.join(lacking)} is on image {video.id}")
        if not told:
            return
        lists = {form: tuple(_names(row.answer)) for form, row in told.items()}
        tissues = [name for form in ("abnormalities", "landmarks") for name in lists.get(form, ())]
        whole = "abnormalities" in lists and "landmarks" in lists
        asks = {Fact.INSTRUMENTS: told["instruments"].native} if "instruments" in told else {}
        yield Frame(
            index=0,
            fps=1,
            image=FileImage(still.path),
            instruments=tuple(map(Label, lists["instruments"])) if "instruments" in lists else None,
            tissues=tuple(map(Label, dict.fromkeys(tissues))) if tissues or whole else None,
            asked=asks,
            coverage={} if whole else {Fact.TISSUES: Coverage.ANNOTATED_ONLY},
        )


def _names(answer: str) -> Iterator[str]:
    """The names of an answer, parted by ``;`` or ``,``; none of "none"."""
    for part in re.split("[;,]", answer):
        if (name := " ".join(part.split()).casefold()) not in _NONE:
            yield name


def _images(rows: Iterator[PictureRow | Defect]) -> Iterator[tuple[str, bytes] | Defect]:
    """Each image under its id: the tables hold it anew with every question."""
    for row in rows:
        if isinstance(row, Defect):
            yield row
            continue
        id, picture = row.values.get("img_id"), next(iter(row.pictures.values()), None)
        if picture is None or not isinstance(id, str) or not id:
            yield Defect(Reason.MEDIA_MISSING, row.where, "the row has no image, or no img_id")
        else:
            yield f"images/{id}{ending_of(picture)}", picture
