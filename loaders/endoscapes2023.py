"""Endoscapes2023: the critical view of safety every 5 s, boxes of anatomy every 30 s, and masks for a part of them.

The traps of this source and what is done about them are told in ``dataset_cards/endoscapes2023.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from surgsigma_hub.parsers.coco import CocoEntries, CocoEntry, entries_in
from surgsigma_hub.parsers.releases.endoscapes_frames import moment_of
from surgsigma_hub.parsers.releases.rater_shares import Votes, read_votes
from surgsigma_hub.records import Coverage, Defect, Fact, Frame, Reason, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Home,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    VideoLabels,
)
from surgsigma_hub.source.numbered_files import as_ended

_SPLITS = ("train", "val", "test")
_FILES = ("{}_seg/annotation_coco.json", "{}/annotation_coco.json", "{}/annotation_ds_coco.json")
"""Files of a split: masks, boxes, criteria; the masks repeat the boxes of their images."""
_VOTES = "all_metadata.csv"
_NAME, _LIKE = r"(?:.*/)?(?P<video>[0-9]{1,4})_(?P<frame>[0-9]{1,7})\.jpe?g", "8_14775.jpg"
_ELSEWHERE = {
    1: "cholec80/video67",
    2: "cholec80/video68",
    3: "cholec80/video70",
    4: "cholec80/video71",
    7: "cholec80/video72",
    10: "cholect50/VID96",
    33: "cholect50/VID110",
    121: "cholec80/video66",
    127: "cholect50/VID103",
}
"""The same operation in an older source."""


class Endoscapes2023(DeclaredSource):
    """Loader of Endoscapes2023 (see the module)."""

    info = SourceInfo(
        name="endoscapes2023",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Download the archive that the homepage links to and unpack it",
        layout="endoscapes/                             (the folder above will do as well)\n"
        "  train/8_14775.jpg ... annotation_ds_coco.json annotation_coco.json    (and val/, test/)\n"
        "  train_seg/annotation_coco.json                                        (masks; may be missing)\n"
        "  all_metadata.csv                                                      (votes; may be missing)\n",
        facts=frozenset({Fact.CRITERIA, Fact.TISSUE_BOXES, Fact.INSTRUMENT_MASKS}),
        split_schemes={"official": _SPLITS},
        coverage={Fact.TISSUE_BOXES: Coverage.ANNOTATED_ONLY},
    )
    home = Home(any_of=tuple(f"{split}/annotation*_coco.json" for split in _SPLITS))
    video_id = "vid{number:03d}"

    @cached_property
    def _entries(self) -> CocoEntries:
        """The images of all files, of each split those with masks first."""
        paths = [(split, as_ended(self.folder / name.format(split))) for split in _SPLITS for name in _FILES]
        return entries_in(((split, path, self.relative(path)) for split, path in paths), _NAME, _LIKE)

    @cached_property
    def _votes(self) -> tuple[Mapping[tuple[int, int], Votes], tuple[Defect, ...]]:
        """The votes of each rater by operation and frame, where the copy has their table."""
        return read_votes(as_ended(self.folder / _VOTES), _VOTES)

    @cached_property
    def _splits(self) -> Mapping[int, str]:
        """The split of each operation: that of the first file which names one of its images."""
        found: dict[int, str] = {}
        for entry in self._entries.found:
            found.setdefault(int(entry.name["video"]), entry.kind)
        return found

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """All operations with an annotated image.

        Raises:
            LayoutError: no file names one.
        """
        if not self._splits:
            unread = (d for _, d in self._entries.unread if d.reason is not Reason.LABEL_MISSING)
            told = [*unread, *self._entries.lost]
            raise self.layout_error(
                self.root, told[0].detail if told else f"no annotation file names an image like {_LIKE}"
            )
        held = {split: [as_ended(self.folder / name.format(split)) for name in _FILES] for split in _SPLITS}
        votes = as_ended(self.folder / _VOTES)
        files = {split: {str(p): p for p in (*paths, votes) if p.is_file()} for split, paths in held.items()}
        return {f"vid{n:03d}": ({"number": n}, files[split]) for n, split in sorted(self._splits.items())}

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation here, or where an older source has it."""
        return _ELSEWHERE.get(int(fields["number"]), f"endoscapes2023/{id}")

    def split_of(self, id: str, fields: Fields) -> str:
        """The folder that the operation is in."""
        return self._splits[int(fields["number"])]

    def labels(self, video: Video) -> VideoLabels:
        """The annotated frames of one operation; what is of none is told with the first one."""
        number = video.data["number"]
        moments: dict[int, list[CocoEntry]] = {}
        told: list[Frame | Defect] = [d for split, d in self._entries.unread if split == video.split]
        if number == min(self._splits):
            told = [*self._entries.lost, *self._votes[1], *told]
        for entry in self._entries.found:
            if int(entry.name["video"]) != number:
                continue
            if entry.kind == video.split:
                moments.setdefault(int(entry.name["frame"]), []).append(entry)
            else:
                where = f"{entry.file.where} image {entry.image.id}"
                told.append(Defect(Reason.ROW_MALFORMED, where, f"{entry.image.name!r:.60}: of {video.split}"))
        judged = [
            n for n, entries in moments.items() if any(e.image.data.get("is_ds_keyframe") is True for e in entries)
        ]
        if lacking := sorted(n for n in judged if (number, n) not in self._votes[0]):
            detail = f"no votes of single raters on {len(lacking)} of {len(judged)} key frames, the first {lacking[0]}"
            told.append(Defect(Reason.LABEL_MISSING, _VOTES, detail))
        for frame, entries in sorted(moments.items()):
            image = as_ended(self.folder / video.split / f"{number}_{frame}.jpg")
            told += moment_of(frame, image, entries, self._votes[0].get((number, frame)))
        return VideoLabels.of(told)
