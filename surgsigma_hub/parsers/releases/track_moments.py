"""What tracks of CholecTrack20 say of each second and of the course: names of ids, and which are presumed."""

from __future__ import annotations

from ...records import Fact, Frame, Label, LabeledBox, Origin, Triplet, VideoTimeline
from ..runs import course_of, course_of_lists
from .track_records import TrackedVideo
from .tracked_triplets import acts_of

TOOLS = dict(enumerate(("grasper", "bipolar", "hook", "scissors", "clipper", "irrigator", "specimen-bag")))
PHASES = dict(
    enumerate(
        (
            "preparation",
            "carlot-triangle-dissection",
            "clipping-and-cutting",
            "gallbladder-dissection",
            "gallbladder-packaging",
            "cleaning-and-coagulation",
            "gallbladder-extraction",
        )
    )
)
"""Of Cholec80, in the order of its ids."""
_PRESUMED = "the release names no phases; ids are read in the order of Cholec80"
_PRESUMED_ACTS = "the release names no verbs and targets; ids are read in the order of CholecT50"
_ACTS = (Fact.TRIPLETS, Fact.ACTIONS, Fact.TISSUES)


def moments_of_tracks(read: TrackedVideo, *, fps: int) -> list[Frame]:
    """Boxes, triplets and the phase of each annotated frame; keys count frames from 1 at ``fps``."""
    phased = {Fact.PHASE: Origin("expert", note=_PRESUMED)} if read.presumed else {}
    acting = dict.fromkeys(_ACTS, Origin("expert", note=_PRESUMED_ACTS)) if read.presumed_acts else {}
    origins = {
        (has_phase, acts): {**(phased if has_phase else {}), **(acting if acts else {})}
        for has_phase in (False, True)
        for acts in (False, True)
    }
    phases = _phases_of(read)
    labels = {name: Label(name) for name in {*phases.values()}}
    return [
        Frame(
            index=key - 1,
            fps=fps,
            phase=None if found.phase is None else labels[found.phase],
            instruments=None if found.boxes is None else _named(found.boxes),
            instrument_boxes=found.boxes,
            **(acts_of(found.triplets) if found.triplets is not None else {}),
            origins=origins[found.phase is not None, found.triplets is not None],
        )
        for key, found in read.frames.items()
    ]


def _phases_of(read: TrackedVideo) -> dict[int, str]:
    return {key - 1: found.phase for key, found in read.frames.items() if found.phase is not None}


def _named(boxes: tuple[LabeledBox, ...]) -> tuple[Label, ...]:
    return tuple({box.label.native: box.label for box in boxes}.values())


def course_of_tracks(read: TrackedVideo, *, fps: int) -> VideoTimeline:
    """Runs of phases, and of what is done where that is annotated; keys count frames from 1 at ``fps``."""
    known = course_of({"phase": _phases_of(read)}, fps=fps)
    done = {(key - 1) // fps: found.triplets for key, found in read.frames.items()}
    acts = course_of_lists("action", {second: _verbs(triplets) for second, triplets in done.items()}, fps=1)
    return VideoTimeline(
        segments=(*acts.segments, *known.segments),
        origins={**known.origins, **acts.origins},
        labelled={**acts.labelled, **known.labelled},
    )


def _verbs(triplets: tuple[Triplet, ...] | None) -> list[str] | None:
    return None if triplets is None else [act.native for act in acts_of(triplets)["actions"]]
