"""SAR-RARP50: what is done with needle and thread in 50 stretches of suturing of prostatectomies, and masks of parts.

The traps of this source and what is done about them are told in ``dataset_cards/sar_rarp50.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from surgsigma_hub.parsers.frame_tables import Code, FrameTable, read_frame_table
from surgsigma_hub.parsers.intervals import (
    IntervalTable,
    Spans,
    course_in,
    moments_in,
    read_intervals,
    spans_from_starts,
)
from surgsigma_hub.parsers.releases.sar_rarp50_masks import lossy_masks, read_part_masks
from surgsigma_hub.records import Defect, Fact, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Files,
    FilmOrImageOptions,
    Films,
    ImageFolders,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    StepOptions,
    VideoLabels,
)
from surgsigma_hub.source.layout import matches

_FPS, _EVERY = 60, 6
"""Frames per second, and frames from row to row of ``action_discrete.txt``."""
_FIRST_TEST = 41
_OTHER = 0
"""Whatever is none of the actions: left unlabelled, since what it is nobody says."""
_ACTIONS = {
    1: "Picking-up the needle",
    2: "Positioning the needle tip",
    3: "Pushing the needle through the tissue",
    4: "Pulling the needle out of the tissue",
    5: "Tying a knot",
    6: "Cutting the suture",
    7: "Returning/dropping the needle",
}
_INTERVALS = IntervalTable(
    start=0,
    end=1,
    label=2,
    unit=float(_FPS),
    closed=True,
    names={str(n): name for n, name in _ACTIONS.items()},
    unlabelled=frozenset({str(_OTHER)}),
    header=False,
)
_FRAMES = FrameTable(
    columns=(Code("Action", _ACTIONS, unlabelled=frozenset({_OTHER})),), kind="action", every=_EVERY, delimiter=","
)


@dataclass(frozen=True, kw_only=True)
class SarRarp50Options(StepOptions, FilmOrImageOptions):
    """Options of SAR-RARP50."""


class SarRarp50(DeclaredSource):
    """Loader of SAR-RARP50 (see the module)."""

    info = SourceInfo(
        name="sar_rarp50",
        specialty=Specialty.UROLOGY,
        procedure=Procedure.ROBOT_ASSISTED_RADICAL_PROSTATECTOMY,
        modality=Modality.ROBOTIC_LAPAROSCOPY,
        access=Access.REGISTRATION,
        access_steps="Register at Synapse and download the training and the test part",
        layout="sar_rarp50/                                        (any folders between will do as well)\n"
        "  train1/video_02/video_left.avi                   (60 fps; or rgb/000000000.png ...)\n"
        "  train1/video_02/action_continuous.txt            (action_discrete.txt in its place is read too)\n"
        "  train1/video_02/segmentation/000000000.png ...   (every 60th frame)\n"
        "  train1/video_11_1/ ... train2/ ... test/video_41/ ...\n",
        facts=frozenset({Fact.ACTIONS, Fact.ACTION_SEGMENTS, Fact.PART_MASKS, Fact.FOOTAGE}),
        split_schemes={"official": ("train", "test")},
    )
    options_type = SarRarp50Options
    files = Files(
        continuous="**/video_{name}/action_continuous.txt",
        discrete="**/video_{name}/action_discrete.txt",
    )
    films = Films(places=("**/video_{name}/video_left",), fps={_FPS: "*"})
    images = ImageFolders(places=("**/video_{name}/rgb",), names="{image:09d}.png", fps={_FPS: "*"})
    video_id = "video_{name}"

    def canonical_id(self, id: str, fields: Fields) -> str:
        """The operation: some are stored in two parts, ``video_11_1`` and ``video_11_2``."""
        return f"sar_rarp50/{re.sub('_[0-9]$', '', id)}"

    def split_of(self, id: str, fields: Fields) -> str:
        """Operations from 41 on are the test."""
        number = re.match("[0-9]{1,3}", str(fields["name"]))
        return "test" if number is not None and int(number[0]) >= _FIRST_TEST else "train"

    @cached_property
    def found(self) -> Mapping[str, tuple[Fields, Mapping[str, Path]]]:
        """Tables and films of each video, and the masks of its frames by number."""
        found = {id: (fields, dict(paths)) for id, (fields, paths) in super().found.items()}
        for fields, path in matches(self.folder, "**/video_{name}/segmentation/{frame:09d}.png"):
            id, own = self._named({"name": fields["name"]})
            found.setdefault(id, (own, {}))[1].setdefault(f"mask {fields['frame']}", path)
        return found

    def labels(self, video: Video) -> VideoLabels:
        """Actions as intervals, and masks of frames once a second."""
        actions = self._actions(video)
        frames = {frame.index: frame for frame in moments_in({"action": actions}, index=_FPS)}
        lossy = lossy_masks([p for _, p in matches(self.folder, f"**/{video.id}/segmentation/*.jpg")], self.relative)
        defects = [*actions.defects, *lossy]
        masks = {int(key[5:]): path for key, path in self.found[video.id][1].items() if key.startswith("mask ")}
        for one in read_part_masks(masks, self.relative, fps=_FPS):
            if isinstance(one, Defect):
                defects.append(one)
            else:
                frames[one.index] = replace(frames.get(one.index, one), part_masks=one.part_masks, size=one.size)
        return VideoLabels(
            frames=[frame for _, frame in sorted(frames.items())],
            defects=defects,
            course=course_in({"action": actions}, derived=self.file(video, "continuous")[0] is None),
            lasts=actions.ends or None,
            beyond=1 + actions.unread,
        )

    def _actions(self, video: Video) -> Spans:
        continuous, where = self.file(video, "continuous")
        discrete, where_discrete = self.file(video, "discrete")
        if continuous is not None or discrete is None:
            return read_intervals(continuous, where, _INTERVALS)
        rows = read_frame_table(discrete, where_discrete, _FRAMES)
        starts = rows.named["Action"]
        holes = {n + _EVERY: None for n in starts if n + _EVERY not in starts and n != rows.last}
        spans = spans_from_starts({**starts, **holes}, rows.last + _EVERY, _FPS)
        return Spans(spans.spans, _FPS, rows.defects, rows.unread)
