"""Kvasir-VQA: questions on 6,500 images of the gut: findings, landmarks and instruments.

What becomes of the questions, and the traps of this source, are told in ``dataset_cards/kvasir_vqa.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.picture_tables import picture_columns, unpacked
from surgsigma_hub.parsers.questions import Asked, read_question_table
from surgsigma_hub.parsers.releases.kvasir_questions import images_by_id, moment_of_questions
from surgsigma_hub.records import Defect, Fact, Frame, Reason, Video
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
        return unpacked(tables, self.cache_dir, self.info.name, images_by_id)

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
        tables = ", ".join(map(self.relative, self._tables))
        yield from moment_of_questions(questions.get(video.id, ()), still.path, tables or self.relative(still.path))
