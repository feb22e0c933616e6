"""The synthetic source: drawn gallbladder operations with exact truth for every kind of fact but reasoning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy.typing as npt
from surgsigma_hub.errors import SurgSigmaError, UnknownNameError
from surgsigma_hub.records import (
    Box,
    BoxExtent,
    Defect,
    Drawn,
    Fact,
    Film,
    Frame,
    Label,
    LabeledBox,
    LabeledMask,
    MaskImage,
    Segment,
    Stills,
    Triplet,
    Verdict,
    Video,
    VideoFrame,
    VideoTimeline,
)
from surgsigma_hub.scene import Extent, Scene, Spec, Story, scene, story
from surgsigma_hub.source import Access, Modality, Options, Procedure, Source, SourceInfo, Specialty

NULL = "null"
MEDIA = ("stills", "video")
PARTS = ((1, "shaft"), (2, "working_end"))
"""Values of the part map, and what they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticOptions(Options):
    """How much to draw, how large, and from which seed."""

    videos: int = field(default=6, metadata={"help": "number of operations to draw"})
    frames: int = field(default=24, metadata={"help": "frames per operation, all of them annotated"})
    width: int = field(default=320, metadata={"help": "image width in pixels, 32 to 4096"})
    height: int = field(default=240, metadata={"help": "image height in pixels, 32 to 4096"})
    fps: float = field(default=1.0, metadata={"help": "frames per second"})
    seed: int = field(default=0, metadata={"help": "number from which everything follows, 0 or more"})
    media: str = field(default="stills", metadata={"help": "stills: images only; video: also write the videos"})


class Synthetic(Source):
    """Draws its own operations; needs no folder, writes films (``media=video``) into the cache folder."""

    info: ClassVar[SourceInfo] = SourceInfo(
        name="synthetic",
        specialty=Specialty.GENERAL_SURGERY,
        procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
        modality=Modality.LAPAROSCOPY,
        access=Access.SYNTHETIC,
        access_steps="Nothing to get: the scenes are drawn by this package.",
        layout="(no files: the scenes are drawn)",
        facts=frozenset(Fact) - {Fact.TRACE},
        split_schemes={"by_number": ("train", "val", "test")},
        label_origin="synthetic",
        needs_root=False,
        box_extent=BoxExtent.WHOLE,
    )
    options_type: ClassVar[type[Options]] = SyntheticOptions

    def __init__(
        self, root: Path | None = None, options: Options | None = None, *, cache_dir: Path | None = None
    ) -> None:
        super().__init__(root, options, cache_dir=cache_dir)
        o: SyntheticOptions = self.options
        if o.media not in MEDIA:
            raise UnknownNameError("media", o.media, MEDIA, where="options of source synthetic")
        limits = {
            "videos": (1, 10_000_000),
            "frames": (1, 1_000_000),
            "width": (32, 4096),
            "height": (32, 4096),
            "fps": (0.01, 1000),
            "seed": (0, 2**53),
        }
        for name, (low, high) in limits.items():
            value = getattr(o, name)
            if not low <= value <= high:
                raise SurgSigmaError(
                    f"option {name}={value!r} of source 'synthetic' is out of range",
                    hint=f"Choose {name} between {low} and {high}.",
                )
        if o.media == "video" and (o.width % 2 or o.height % 2):
            raise SurgSigmaError(
                f"option media=video of source 'synthetic' with {o.width} x {o.height} images",
                hint="Videos need an even width and height.",
            )

    def videos(self) -> Iterable[Video]:
        """One video per number; of every six, the fifth is for validation and the sixth for test."""
        o: SyntheticOptions = self.options
        for number in range(o.videos):
            id = f"S{o.seed:03d}-V{number:04d}"
            split = ("train", "train", "train", "train", "val", "test")[number % 6]
            yield Video(id=id, canonical_id=f"synthetic/{id}", split=split, data={"number": number})

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        """Every frame of the film, each annotated."""
        spec = self._spec(video)
        film = self._film(video, spec)
        for index in range(spec.frames):
            yield _frame(spec, index, film)

    def course(self, video: Video) -> VideoTimeline:
        """What follows what, and the film, or the stills at their rate."""
        spec = self._spec(video)
        film = self._film(video, spec)
        stills = Stills(tuple(_drawn(spec, n, "picture") for n in range(spec.frames)), spec.fps)
        segments = _segments(story(spec.seed, spec.video, spec.frames), spec.fps)
        return VideoTimeline(segments=segments, footage=stills if film is None else Film(film, spec.fps))

    def _spec(self, video: Video) -> Spec:
        o: SyntheticOptions = self.options
        return Spec(o.seed, int(video.data["number"]), o.frames, o.fps, o.width, o.height)

    def _film(self, video: Video, spec: Spec) -> Path | None:
        """The film of one video, written on first use; None where only stills were asked for."""
        if self.options.media != "video":
            return None
        if self.cache_dir is None:
            raise SurgSigmaError(
                "option media=video of source 'synthetic' needs a folder for the videos it writes",
                hint="Give a cache folder, or use media=stills.",
            )
        # Everything the pixels depend on is in the name, so that a changed option never meets an old film.
        path = self.cache_dir / f"{video.id}-{spec.width}x{spec.height}-{spec.frames}-{spec.fps:g}.mp4"
        if not path.is_file():
            from surgsigma_hub.media.video import encode_video  # needs an extra that stills do not

            path.parent.mkdir(parents=True, exist_ok=True)
            encode_video(path, (scene(spec, n).picture for n in range(spec.frames)), fps=spec.fps)
        return path


def _pixels(spec: Spec, frame: int, what: str) -> npt.NDArray[Any]:
    made: npt.NDArray[Any] = getattr(scene(spec, frame), what)
    return made


def _drawn(spec: Spec, frame: int, what: str) -> Drawn:
    # Holds numbers only: a frame that is kept holds no pixels, and can be sent to another process.
    return Drawn(f"synthetic/{spec.seed}/{spec.video}/{frame}/{what}", partial(_pixels, spec, frame, what))


def _segments(tale: Story, fps: float) -> tuple[Segment, ...]:
    layers = (("action", tale.actions), ("phase", tale.phases), ("step", tale.steps))
    return tuple(
        Segment(layer, Label(run.name), run.start / fps, run.end / fps)  # type: ignore[arg-type]
        for layer, runs in layers
        for run in runs
    )


def _labels(names: Iterable[str]) -> tuple[Label, ...]:
    """Each name once, in the order of first mention."""
    return tuple(Label(name) for name in dict.fromkeys(names))


def _frame(spec: Spec, index: int, film: Path | None) -> Frame:
    drawn: Scene = scene(spec, index)
    moment = drawn.moment

    def box(name: str, extent: Extent) -> LabeledBox:
        left, top, right, bottom = extent
        w, h = spec.width, spec.height
        return LabeledBox(Label(name), Box(left / w, top / h, right / w, bottom / h))

    instances = _drawn(spec, index, "instances")
    parts = _drawn(spec, index, "parts")
    seen = drawn.instruments
    return Frame(
        index=index,
        fps=spec.fps,
        image=VideoFrame(film, index) if film is not None else _drawn(spec, index, "picture"),
        phase=Label(moment.phase),
        step=Label(moment.step),
        instruments=_labels(i.hand.instrument for i in seen),
        tissues=_labels(drawn.tissues),
        actions=_labels(i.hand.verb for i in seen if i.hand.verb != NULL),
        triplets=tuple(
            dict.fromkeys(Triplet(Label(i.hand.instrument), Label(i.hand.verb), Label(i.hand.target)) for i in seen)
        ),
        instrument_boxes=tuple(box(i.hand.instrument, i.extent) for i in seen),
        tissue_boxes=tuple(box(name, extent) for name, extent in drawn.tissues.items()),
        instrument_masks=tuple(LabeledMask(Label(i.hand.instrument), MaskImage(instances, i.number)) for i in seen),
        part_masks=tuple(
            LabeledMask(Label(name), MaskImage(parts, number))
            for number, name in PARTS
            if (drawn.parts == number).any()
        ),
        criteria=None
        if drawn.criteria is None
        else tuple(Verdict(Label(name), met) for name, met in drawn.criteria.items()),
        depth=_drawn(spec, index, "depth"),
        clean_image=_drawn(spec, index, "clean") if moment.smoke else None,
    )
