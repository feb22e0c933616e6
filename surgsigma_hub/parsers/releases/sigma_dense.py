"""Dense predictions of a SurgSigma-DB release: smoky twins, instrument masks and depth, by the names of files."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...records import Defect, ImageRef, LabeledMask, MaskImage, Reason
from ...source.layout import is_added
from ..archive import archive_members

_PATH = re.compile(r"(?:^|/)([^/]+)/CholecT50/(?:videos/)?VID(\d+)/(\d+)\.(?i:png|jpe?g)$")
_SMOKE = "desmoke"


@dataclass(frozen=True, slots=True)
class Dense:
    """Dense predictions by number of the video.

    Attributes:
        found: By video, by frame and by kind (``seg``, ``desmoke``, ``depth``).
        defects: What was left out, by video; under None what is of none.
    """

    found: Mapping[int, Mapping[int, Mapping[str, ImageRef]]] = field(default_factory=dict)
    defects: Mapping[int | None, list[Defect]] = field(default_factory=dict)

    def videos(self) -> set[int]:
        """Numbers of the videos of which there is a file, also an unusable one: that is told with them."""
        return self.found.keys() | {number for number in self.defects if number is not None}

    def of(self, video: int) -> Mapping[int, Mapping[str, ImageRef]]:
        """The predictions for one video by frame."""
        return self.found.get(video, {})


def read_dense(archive: Path | None, cache_dir: Path | None) -> Dense:
    """The members of a folder or archive of dense predictions.

    Args:
        archive: As :func:`..archive.find_archive` gives it; None where there is none.
        cache_dir: Where a packed archive is unpacked once.
    """
    found: dict[int, dict[int, dict[str, ImageRef]]] = defaultdict(lambda: defaultdict(dict))
    left: Counter[tuple[int | None, Reason, str]] = Counter()
    for name, ref in archive_members(archive, cache_dir=cache_dir).items() if archive else ():
        if any(map(is_added, name.split("/"))):
            continue
        match = _PATH.search(name)
        if match is None:
            left[None, Reason.ROW_MALFORMED, "not named <kind>/CholecT50/VIDnn/NNNNNN.png"] += 1
            continue
        folder, number, index = match.group(1), int(match.group(2)), int(match.group(3))
        kind = folder if folder in ("seg", _SMOKE) else "depth" if "depth" in folder.lower() else None
        if kind is None:
            left[number, Reason.TYPE_UNKNOWN, f"folder {folder!r} is not seg, desmoke or a kind of depth"] += 1
        elif kind in found[number][index]:
            left[number, Reason.DUPLICATE_ID, f"a second file of kind {kind} for a frame, {name}"] += 1
        else:
            found[number][index][kind] = ref
    defects: dict[int | None, list[Defect]] = defaultdict(list)
    for (video, reason, what), count in left.items():
        defects[video].append(Defect(reason, archive.name if archive else "", f"{what} ({count} files)"))
    shipped = sorted({kind for frames in found.values() for held in frames.values() for kind in held})
    for video, frames in found.items():
        for kind in shipped:
            lacking = sorted(index for index, held in frames.items() if kind not in held)
            if lacking:
                detail = f"{len(lacking)} of {len(frames)} frames have no file of {kind}; the first is {lacking[0]:06d}"
                defects[video].append(
                    Defect(Reason.LABEL_MISSING, archive.name if archive else "", detail, len(lacking))
                )
    return Dense(found, dict(defects))


def smoky_twin(dense: Mapping[str, ImageRef]) -> ImageRef | None:
    """The smoky twin of a frame; None where there is none."""
    return dense.get(_SMOKE)


def dense_facts(dense: Mapping[str, ImageRef]) -> dict[str, Any]:
    """What dense predictions say of a frame, as fields of :class:`Frame`."""
    facts: dict[str, Any] = {}
    if "seg" in dense:
        facts["instrument_masks"] = (LabeledMask(None, MaskImage(dense["seg"], None)),)
    if "depth" in dense:
        facts["depth"] = dense["depth"]
    return facts
