"""SERV-CT: images of a stereo endoscope in two animals, each with its depth as a CT of endoscope and anatomy gives it.

The traps of this source and what is done about them are told in ``dataset_cards/serv_ct.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from surgsigma_hub.errors import MediaError
from surgsigma_hub.media.image import load_raw
from surgsigma_hub.records import Defect, Drawn, Fact, FileImage, Frame, Reason, Video
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
from surgsigma_hub.source.numbered_files import as_ended

_UNKNOWN = (0, 0, 255)
"""Blue: what lies outside the surface that the CT gives. Other colours say what the other image does not show."""
_SIDES = {"Left": "L", "Right": "R"}


class ServCT(StillsSource):
    """Loader of SERV-CT (see the module)."""

    info = SourceInfo(
        name="serv_ct",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_SURGERY,
        modality=Modality.ROBOTIC_LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Download the archive that the homepage offers and unpack it",
        layout="SERV-CT/                          (the folder above will do as well)\n"
        "  Experiment_1/Left_rectified/001.png ... Right_rectified/001.png ...\n"
        "  Experiment_1/Ground_truth_CT/DepthL/001.png OcclusionL/001.png ... DepthR/ OcclusionR/\n"
        "  Experiment_2/...\n",
        facts=frozenset({Fact.DEPTH}),
        split_schemes={"benchmark": ("test",)},
    )
    home = Home(all_of=("Experiment_{experiment:d}/",), depth=2)
    stills = ("Experiment_{experiment:d}/{side:Left|Right}_rectified/{image:d}",)
    video_id = "experiment{experiment:d}_{side}"

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The animal, of which both sides are views."""
        return f"serv_ct/experiment{fields['experiment']}"

    def label_files(self, still: Still) -> tuple[Path, ...]:
        """The depth map, and which of its pixels the CT does not reach."""
        reference = self.folder / still.path.parent.parent.name / "Ground_truth_CT"
        letter = _SIDES[str(still.fields["side"])]
        return tuple(as_ended(reference / f"{kind}{letter}" / still.path.name) for kind in ("Depth", "Occlusion"))

    def moment(self, video: Video, still: Still) -> Iterator[Frame | Defect]:
        """The depth of one image."""
        files = self.label_files(still)
        missing = next((path for path in files if not path.is_file()), None)
        if missing is None:
            known = Drawn(self.relative(files[0]), partial(_known_depth, *files))
            yield Frame(index=still.number, fps=1, image=FileImage(still.path), depth=known, depth_has_gaps=True)
        else:
            detail = "the image has no depth map, or nothing says which of its pixels are known"
            yield Defect(Reason.LABEL_MISSING, self.relative(missing), detail)


def _known_depth(depth: Path, unknown: Path) -> npt.NDArray[Any]:
    """Depth (height, width) in 1/256 mm as uint16, 0 where the CT does not reach.

    Raises:
        MediaError: a file is unreadable, no 16-bit map, or of another size than the other.
    """
    values, colours = load_raw(FileImage(depth)), load_raw(FileImage(unknown))
    if values.ndim != 2 or values.dtype == np.uint8:
        raise MediaError(f"{depth.name}: values of {values.dtype} and shape {values.shape}, expected a map of 16 bit")
    if colours.shape != (*values.shape, 3):
        raise MediaError(f"{unknown.name}: shape {colours.shape}, expected {(*values.shape, 3)} as the depth map")
    return np.where((colours == _UNKNOWN).all(axis=2), 0, values).astype(np.uint16)
