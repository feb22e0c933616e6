"""Public sets of paired images, smoky and clear, in the layouts in which they are shared.

Which sets are read, and which are not because their images are no pairs, is told in ``dataset_cards/desmoke_pairs.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.paired_images import PairFolder, paired_folders, same_size
from surgsigma_hub.records import Defect, Fact, FileImage, Frame, Reason, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    VideoLabels,
)
from surgsigma_hub.source.layout import matches

_SMOKY = frozenset({"hazy", "smoke", "smoky", "input", "lq"})
_CLEAR = frozenset({"clear", "clean", "gt", "target"})
_SPLITS = {"train": "train", "training": "train", "val": "val", "validation": "val", "test": "test", "testing": "test"}
_REPEATS = ("fine-grain", "_level")
"""What names a part of SurgClean that shows its test images again."""
_SEQUENCE = "numbered images without a second side, as of LSVD, whose one clear frame shows another moment: no pairs"
_NO_SMOKE = frozenset({"defog", "desplash"})
"""Parts of SurgClean whose images are veiled by something else."""


class DesmokePairs(DeclaredSource):
    """Loader of paired smoke folders (see the module)."""

    info = SourceInfo(
        name="desmoke_pairs",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_SURGERY,
        modality=Modality.LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Download one of the sets that the card lists and unpack it; several may lie beside each other",
        layout="any folder with pairs below it, as one of\n"
        "  LSRPD/train/hazy/fig1.png LSRPD/train/clear/fig1.png ...    (also smoke, input, lq and clean, gt, target)\n"
        "  images/1.png images/1_gt.png ...\n",
        facts=frozenset({Fact.CLEAN_IMAGE}),
        split_schemes={"official": ("train", "val", "test")},
    )
    video_id = "{name}"

    @cached_property
    def _folders(self) -> tuple[dict[str, PairFolder], list[str]]:
        """Folders with pairs by id, and what is said of those that are passed over."""
        try:
            found = paired_folders(self.root, given=_SMOKY, wanted=_CLEAR, suffix="_gt")
        except BadRowError as error:
            raise self.layout_error(self.root, error.message) from None
        kept: dict[str, PairFolder] = {}
        told: list[str] = []
        for one in found:
            place = self.relative(one.folder)
            parts = [part.lower() for part in one.folder.relative_to(self.root).parts] or [self.root.name.lower()]
            if any(mark in part for mark in _REPEATS for part in parts):
                told.append(f"{place}: shows the test images again, not read")
            elif _NO_SMOKE & {*parts}:
                told.append(f"{place}: veiled by something else than smoke, not read")
            elif "dataset" in parts[:-1] and parts[-1] not in _SPLITS:
                told.append(f"{place}: laid out as DeSmoke-LAP, whose images are no pairs, not read")
            else:
                id = re.sub("[^A-Za-z0-9]+", "-", "-".join(parts)).strip("-") or "pairs"
                while id in kept:
                    id += "-2"
                kept[id] = one
        sides = {path.parent for one in found for pair in one.pairs for path in (pair.given, pair.wanted)}
        sides |= {path.parent for one in found for path in one.lonely}
        alone = {path.parent for _, path in matches(self.root, "**/{image:d}.png")} - sides
        bare = sorted(folder for folder in alone if folder.name.lower() not in _SMOKY | _CLEAR)
        if bare:
            first = f"{self.relative(bare[0])} (folders like it: {len(bare)})"
            told.append(f"{first}: {_SEQUENCE}, not read")
        if not kept:
            raise self.layout_error(self.root, "; ".join(told[:3]) or "no folder holds images in pairs")
        return kept, told

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """Folders with pairs."""
        return {
            id: ({"name": id}, {side: p for n, one in enumerate(held.pairs)
                                for side, p in ((f"{n} smoky", one.given), (f"{n} clear", one.wanted))})
            for id, held in self._folders[0].items()
        }  # fmt: skip

    def split_of(self, id: str, fields: Fields) -> str:
        """As the nearest folder above says, else train."""
        parts = self._folders[0][id].folder.relative_to(self.root).parts
        return next((_SPLITS[part.lower()] for part in reversed(parts) if part.lower() in _SPLITS), "train")

    def labels(self, video: Video) -> VideoLabels:
        """The pairs of one folder."""
        folders, told = self._folders
        held, defects, frames = folders[video.id], list[Defect](), list[Frame]()
        if video.id == min(folders):
            defects += (Defect(Reason.LABEL_MISSING, "folders", text) for text in told)
        if held.lonely:
            first = self.relative(held.lonely[0])
            detail = f"{len(held.lonely)} images have no partner of the same name; the first is {held.lonely[0].name}"
            defects.append(Defect(Reason.MEDIA_MISSING, first, detail, len(held.lonely)))
        for pair in held.pairs:
            sizes = same_size(pair.given, pair.wanted)
            if sizes is None:
                frames.append(
                    Frame(index=pair.number, fps=1, image=FileImage(pair.given), clean_image=FileImage(pair.wanted))
                )
                continue
            (width, height), (ours, theirs) = sizes
            detail = f"the smoky image is {width}x{height}, the clear one {ours}x{theirs} (0x0 is no image)"
            defects.append(Defect(Reason.FOOTAGE_CONTRADICTS, self.relative(pair.given), detail))
        return VideoLabels(frames=frames, defects=defects)
