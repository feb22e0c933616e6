"""CoPESD: what forceps and knife do in pictures of endoscopic submucosal dissection, and where they are.

The annotations are conversations; motions and boxes are read out of their sentences. The traps of this source and what
is done about them are told in ``dataset_cards/copesd.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.releases.esd_conversations import picture_of, read_conversations
from surgsigma_hub.parsers.strict_json import read_json
from surgsigma_hub.records import BoxExtent, Coverage, Defect, Fact, FileImage, Frame, NumberedImages, Recording, Video
from surgsigma_hub.source import (
    Access,
    ImageOptions,
    Modality,
    Procedure,
    Source,
    SourceInfo,
    Specialty,
)
from surgsigma_hub.source.layout import matches
from surgsigma_hub.source.numbered_files import lacking, numbered_images

_SPLITS = ("train", "val", "test")
_BEYOND = 3.0
"""How many times as many pictures a folder may hold after the last that is labelled: one file names part of them."""


class CoPESD(Source):
    """Loader of CoPESD (see the module)."""

    info = SourceInfo(
        name="copesd",
        specialty=Specialty.GASTROENTEROLOGY,
        procedure=Procedure.ENDOSCOPIC_SUBMUCOSAL_DISSECTION,
        modality=Modality.FLEXIBLE_ENDOSCOPY,
        access=Access.OPEN,
        access_steps="Download images and annotations by the links on the homepage and put them into one folder",
        layout="CoPESD/                                (any folders between will do as well)\n"
        "  smllm_train.json, smllm_test.json\n"
        "  high_light_images/023521/0001.jpg ...\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.TISSUES, Fact.ACTIONS, Fact.TRIPLETS, Fact.INSTRUMENT_BOXES}),
        split_schemes={"official": _SPLITS},
        coverage={Fact.TISSUES: Coverage.ACTED_ON},
        box_extent=BoxExtent.WHOLE,
    )
    options_type = ImageOptions

    @cached_property
    def _files(self) -> dict[str, Path]:
        """The annotation file of each split."""
        found: dict[str, Path] = {}
        for split in _SPLITS:
            paths = [path for _, path in matches(self.root, f"**/smllm_{split}.json")]
            if len(paths) > 1:
                names = " and ".join(self.relative(p) for p in paths)
                raise self.layout_error(self.root, f"{names} are the same split; keep one of them")
            if paths:
                found[split] = paths[0]
        if not found:
            raise self.layout_error(self.root, "no smllm_train.json and no smllm_test.json")
        return found

    def videos(self) -> list[Video]:
        """Each folder of pictures that an annotation file names, by split and name."""
        videos: list[Video] = []
        for split, path in self._files.items():
            try:
                document = self._document(path)
            except BadRowError as error:
                raise self.layout_error(self.root, f"{self.relative(path)}: {error.message}") from None
            names = sorted({picture[0] for row in document if (picture := picture_of(row))})
            if not names:
                raise self.layout_error(self.root, f"{self.relative(path)}: no row names an image like 023521/0001.jpg")
            # A row whose picture is not told belongs to no video; the first one reports it.
            for n, name in enumerate(names):
                videos.append(
                    Video(
                        id=f"{name}-{split}",
                        canonical_id=f"copesd/{name}",
                        split=split,
                        files=(path,),
                        data={"folder": name, "first": n == 0},
                    )
                )
        return videos

    @cached_property
    def _read(self) -> dict[Path, list[Any]]:
        """Annotation files read so far: all videos of a split are in one file."""
        return {}

    def _document(self, path: Path) -> list[Any]:
        """The rows of an annotation file.

        Raises:
            BadRowError: not a JSON list.
        """
        if path not in self._read:
            document = read_json(path)
            if not isinstance(document, list):
                raise BadRowError("not a list of conversations")
            self._read[path] = document
        return self._read[path]

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """The annotated pictures of one video, by number."""
        (path,) = video.files
        rows = self._document(path)
        yield from read_conversations(rows, video.data["folder"], self.relative(path), strays=bool(video.data["first"]))

    def recording(self, video: Video) -> Recording:
        """Pictures numbered from 1; their rate is not published, so that a number counts as a second."""
        (path,), folder = video.files, str(video.data["folder"])
        named = (picture for row in self._document(path) if (picture := picture_of(row)))
        labelled = sorted({number for name, number in named if name == folder})
        homes = [path for _, path in matches(self.root, f"**/{folder}/")] or [self.root / folder]
        numbered = {home: numbered_images(home, "([0-9]{1,6})") for home in homes}
        home = next((home for home, images in numbered.items() if images), homes[0])  # the first that has an image
        images = numbered[home]
        stated = self.stated(video)
        base, lasts = min(1, *labelled[:1]) if labelled else 1, (labelled[-1] + 1 if labelled else 0)
        return Recording(
            media=NumberedImages(
                images={n: FileImage(p) for n, p in images.items()}, name="{:04d}.jpg", base=base, base_seconds=base
            ),
            place=self.relative(home),
            absent=lacking(home, "0001.jpg"),
            moments=labelled,
            lasts=lasts,
            said_by=self.relative(path),
            beyond=_BEYOND * lasts,
            # Pictures are had as released only: what is missing at the end was lost, not numbered anew.
            stated=replace(stated, starts_at=stated.starts_at or 0.0),
        )
