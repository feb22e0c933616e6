"""CholecInstanceSeg: polygons of every instrument on pictures of Cholec80, CholecT50 and CholecSeg8k.

One labelme file per picture. The operations are those of Cholec80 and CholecT50, and ``canonical_video_id`` says which.
The traps of this source and what is done about them are told in ``dataset_cards/cholecinstanceseg.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from surgsigma_hub.parsers.labelme import moments_of_labelme
from surgsigma_hub.records import BoxExtent, Defect, Fact, FileImage, Frame, Reason, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Home,
    ImageFolders,
    ImageOptions,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    VideoLabels,
)
from surgsigma_hub.source.layout import matches
from surgsigma_hub.source.surgeries import cholect50_surgery

_SPLITS = ("train", "val", "test")
_KINDS = {
    "t50_full": "t50_VID{:02d}_",
    "t50_sparse": "t50_VID{:02d}_",
    "t80_sparse": "t80_VID{:02d}_",
    "seg8k": "seg8k_video{:02d}_",
}
"""Kinds of sequences, by the dataset that their pictures are from: what names of files begin with."""
_SEQUENCE = "{split:train|val|test}/VID{number:02d}_{kind:" + "|".join(_KINDS) + "}/"
_USUAL_SIZE = (854, 480)
"""Of pictures whose file states no size: 18 thousand do not."""
_BEYOND = 0.5
"""Share of the labels' length by which pictures may go on after them: some sequences are labelled here and there."""


class CholecInstanceSeg(DeclaredSource):
    """Loader of CholecInstanceSeg (see the module)."""

    info = SourceInfo(
        name="cholecinstanceseg",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Register at Synapse, download the annotations and the reference images that the homepage links "
        "to, and move each ann_dir beside its img_dir",
        layout="cholecinstanceseg/\n"
        "  train/VID01_t50_full/ann_dir/t50_VID01_000000.json ...\n"
        "  train/VID01_t50_full/img_dir/t50_VID01_000000.png ...\n"
        "  val/VID03_t80_sparse/...      (and VIDnn_t50_sparse, VIDnn_seg8k; folders train, val and test)\n",
        facts=frozenset({Fact.INSTRUMENTS, Fact.INSTRUMENT_MASKS, Fact.INSTRUMENT_BOXES}),
        split_schemes={"official": _SPLITS},
        box_extent=BoxExtent.WHOLE,
    )
    options_type = ImageOptions
    home = Home(any_of=(_SEQUENCE,), missing="no folder train/, val/ or test/ holds a folder like VID01_t50_full")
    images = ImageFolders(
        places=(_SEQUENCE + "img_dir",),
        names="{stem}{image:06d}.png",
        fps={25.0: "*_seg8k", 1.0: "*"},  # numbers as the dataset has them that the pictures are from
    )
    video_id = "VID{number:02d}_{kind}"

    def fields_of(self, fields: Fields) -> Fields:
        """With what names of files begin with; sequences are in order of their operation."""
        stem = _KINDS[str(fields["kind"])].format(fields["number"])
        return {**{key: fields[key] for key in ("number", "kind", "split")}, "stem": stem}

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation in Cholec80 or, for those that are not of it, in CholecT50."""
        return cholect50_surgery(int(fields["number"]))

    def split_of(self, id: str, fields: Fields) -> str:
        """The folder that the sequence is in."""
        return str(fields["split"])

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """All sequences with their files of labels; an operation may have two sequences."""
        found: dict[str, tuple[Fields, dict[str, Path]]] = {}
        for read, folder in matches(self.folder, _SEQUENCE):
            id, fields = self._named(read)
            if id in found:
                places = f"{found[id][0]['split']}/ and in {fields['split']}/"
                raise self.layout_error(self.root, f"{id} is in {places}; keep one of them")
            found[id] = fields, {path.name: path for _, path in matches(folder, "ann_dir/*.json")}
        return found

    def labels(self, video: Video) -> VideoLabels:
        """The instruments in each annotated picture."""
        named = re.compile(re.escape(video.data["stem"]) + "([0-9]{6})")
        paths = {path: named.fullmatch(path.stem) for path in video.files}
        numbered = dict(sorted((int(match[1]), path) for path, match in paths.items() if match))
        images = self._images(video, self.found[video.id][0])[0]
        drawn = images.images.items() if images is not None else ()
        pictures = {n: image.path for n, image in drawn if isinstance(image, FileImage)}
        told: list[Frame | Defect] = [
            Defect(
                Reason.ROW_MALFORMED,
                self.relative(path),
                f"not named like {video.data['stem']}000000.json: no frame number",
            )
            for path in sorted(path for path, match in paths.items() if match is None)
        ]
        folder = self.folder / video.split / video.id
        bare = sorted(pictures.keys() - numbered.keys())
        if bare:
            detail = f"{len(bare)} images have no JSON in ann_dir, the first is {pictures[bare[0]].name}"
            told.append(Defect(Reason.ROW_MALFORMED, self.relative(folder), detail))
        fps = self.rate_of(self.images.fps, video)
        told += moments_of_labelme(numbered, fps, pictures, usual=_USUAL_SIZE, shown=self.relative)
        lasts = (max(numbered) + 1) / fps if numbered else 0
        apart = min((b - a for a, b in pairwise(numbered)), default=1) / fps
        return VideoLabels.of(
            told,
            moments=[n / fps for n in numbered],
            lasts=lasts,
            said_by=self.relative(folder / "ann_dir"),
            beyond=_BEYOND * lasts + apart,
        )
