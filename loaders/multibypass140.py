"""MultiBypass140: phases and steps of 140 gastric bypass operations of two centres, as intervals in milliseconds.

The traps of this source and what is done about them are told in ``dataset_cards/multibypass140.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil

from surgsigma_hub.parsers.intervals import Spans, course_in, moments_in
from surgsigma_hub.parsers.releases.multibypass_files import held_out, read_labelled
from surgsigma_hub.parsers.runs import Layer, covered
from surgsigma_hub.records import Fact, Video
from surgsigma_hub.source import (
    Access,
    DeclaredSource,
    Fields,
    Files,
    FilmOrImageOptions,
    Films,
    Home,
    ImageFolders,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    StepOptions,
    VideoLabels,
)
from surgsigma_hub.source.layout import matches

_BEYOND = 0.25
"""Share of the labels' length by which footage may go on after them: they end with the operation, not with the film."""
_BEYOND_DAMAGED = 3.0
"""The same where intervals cannot be read: the last may be among them."""
_FOLDS = tuple(f"fold-{k}" for k in range(5))
_UNDIVIDED = "undivided"
_CENTRES = ("bern", "strasbourg")
_VIDEO = "{prefix:BBP|SBP}{number:02d}"
_MEDIA = ("datasets/MultiBypass140/*/", "datasets/*/", "*/", "")
"""Where readers unpack the archives of films and pictures."""


@dataclass(frozen=True, kw_only=True)
class MultiBypass140Options(StepOptions, FilmOrImageOptions):
    """Options of MultiBypass140."""

    marks: bool = field(
        default=False,
        metadata={"help": "also give out_of_body and severe_index as phase segments; they lie over the phases"},
    )


class MultiBypass140(DeclaredSource):
    """Loader of MultiBypass140 (see the module)."""

    info = SourceInfo(
        name="multibypass140",
        specialty=Specialty.BARIATRIC_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_GASTRIC_BYPASS,
        modality=Modality.LAPAROSCOPY,
        access=Access.OPEN,
        access_steps="Clone the repository that the homepage names (it holds the labels) and unpack the video archives "
        "its README links to",
        layout="MultiBypass140/                                              (a clone of the repository)\n"
        "  labels/bern/labels_by70/BBP01.mp4.json ...                 (likewise labels/strasbourg, SBP01 ...)\n"
        "  labels/bern/labels_by70_splits/labels/{val,test}/1fps_0.pickle ...    (name the videos of each fold)\n"
        "  labels/bern/labels_by70_splits/frames/BBP01/BBP01_00000001.jpg ...    (1 image per second), or\n"
        "  datasets/MultiBypass140/BernBypass70/videos/BBP01.mp4 ...             (videos, 25 fps)\n",
        facts=frozenset({Fact.PHASE, Fact.STEP, Fact.PHASE_SEGMENTS, Fact.STEP_SEGMENTS, Fact.FOOTAGE}),
        split_schemes={**dict.fromkeys(_FOLDS, ("train", "val", "test")), _UNDIVIDED: ("train",)},
    )
    options_type = MultiBypass140Options
    home = Home(
        any_of=tuple(f"labels/{centre}/labels_by70/" for centre in _CENTRES),
        missing="neither labels/bern/labels_by70 nor labels/strasbourg/labels_by70",
    )
    files = Files(labels=f"labels/*/labels_by70/{_VIDEO}.mp4.json")
    films = Films(
        places=tuple(f"{p}{kind}{_VIDEO}" for p in _MEDIA for kind in ("videos/", "")), counted=False, within=0.5
    )
    images = ImageFolders(
        places=tuple(f"{p}frames/{_VIDEO}" for p in ("labels/*/labels_by70_splits/", *_MEDIA)),
        names="{video}_{image:08d}.jpg",
        base=1,
        base_seconds=1.0,  # picture n goes with the label at n seconds, as in the authors' own tables
    )
    video_id = _VIDEO

    @cached_property
    def _held_out(self) -> Mapping[str, str]:
        """Which videos are val or test in the fold chosen, of the centres whose labels are there."""
        found: dict[str, str] = {}
        for centre in _CENTRES:
            place = self.folder / "labels" / centre
            if self.split_scheme != _UNDIVIDED and any(True for _ in matches(place, "labels_by70/*.json")):
                lists = place / "labels_by70_splits" / "labels"
                found |= held_out(lists, self.split_scheme.removeprefix("fold-"), self.relative(lists))
        return found

    def split_of(self, id: str, fields: Fields) -> str:
        """As the lists of the fold say; what they do not name is train."""
        return self._held_out.get(id, "train")

    def labels(self, video: Video) -> VideoLabels:
        """Phases and steps from their intervals, one moment a second wherever one of them is told."""
        said = read_labelled(*self.file(video, "labels"))
        layers: dict[Layer, Spans] = {"phase": said.phases, "step": said.steps}
        lasts = max(spans.ends for spans in (said.phases, said.steps, said.marks))
        course = course_in(layers)
        labelled = [times for of_layer in course.labelled.values() for times in of_layer]
        if self.options.marks:
            over = replace(said.phases, spans=tuple(sorted((*said.phases.spans, *said.marks.spans))))
            course = replace(course, segments=course_in({**layers, "phase": over}).segments)
        return VideoLabels(
            frames=moments_in(layers, from_second=1),
            defects=said.defects,
            course=course,
            lasts=lasts,
            moments=[n for a, b in covered(labelled) for n in range(max(1, ceil(a)), min(int(lasts) + 1, ceil(b)))],
            beyond=(_BEYOND_DAMAGED if said.defects else _BEYOND) * lasts,
        )
