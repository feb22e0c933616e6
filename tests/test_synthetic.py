from __future__ import annotations

import hashlib
import pickle
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import SurgSigmaError
from surgsigma_hub.ontology import native_names, resolve_frame
from surgsigma_hub.records import Drawn, Fact, Film, Frame, MaskImage, VideoFrame, VideoTimeline
from surgsigma_hub.registry import get_source
from surgsigma_hub.scene import Scene, Spec, scene, story
from surgsigma_hub.scene.things import TISSUE, TOOL
from surgsigma_hub.source import Source, parse_options

OWN = list(native_names("synthetic").items())
ORDER = [id for (kind, _), id in OWN if kind == "phase"]
STEPS = [id for (kind, _), id in OWN if kind == "step"]


def source(cache_dir: Path | None = None, **options: Any) -> Source:
    kind = get_source("synthetic")
    return kind(options=kind.options_type(**options), cache_dir=cache_dir)


def course_of(made: Source, number: int = 0) -> VideoTimeline:
    course = made.course(list(made.videos())[number])
    assert course is not None
    return course


def frames_of(made: Source) -> list[Frame]:
    found = [f for video in made.videos() for f in made.frames(video)]
    assert all(isinstance(f, Frame) for f in found), "a drawn frame has no defects"
    return found  # type: ignore[return-value]


@pytest.fixture(scope="module")
def default() -> list[Frame]:
    """The frames of the source as it comes, labels resolved."""
    return [resolve_frame("synthetic", f) for f in frames_of(source())]


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [Scene(Spec(0, video, 24, 1.0, 320, 240), frame) for video in range(6) for frame in range(24)]


def pixels(ref: Any) -> np.ndarray[Any, Any]:
    assert isinstance(ref, Drawn)
    return ref.draw()


def digest(frames: Iterable[Frame]) -> str:
    """Of every pixel and every fact, whatever the order of the frames."""
    parts = []
    for f in frames:
        refs = [f.image, f.depth, f.clean_image, *(m.mask.image for m in f.instrument_masks or ())]  # type: ignore[union-attr]
        data = b"".join(pixels(r).tobytes() for r in refs if r is not None)
        facts = [getattr(f, n) for n in ("index", "phase", "triplets", "instrument_boxes", "tissue_boxes", "criteria")]
        parts.append(hashlib.sha256(data + repr(facts).encode()).hexdigest())
    return hashlib.sha256("".join(sorted(parts)).encode()).hexdigest()


SMALL = {"videos": 2, "frames": 12, "width": 64, "height": 48}


def test_same_pixels_in_any_order_and_in_another_process() -> None:
    frames = frames_of(source(**SMALL))
    once = digest(frames)
    scene.cache_clear()
    story.cache_clear()
    assert digest(reversed(frames)) == once
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from test_synthetic import SMALL, digest, frames_of, source\n"
        "print(digest(frames_of(source(**SMALL))[::-1]))"
    )
    root = Path(__file__).parent.parent
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert run.stdout.strip() == once, run.stderr


def test_more_videos_leave_the_first_ones_as_they_are() -> None:
    few = frames_of(source(**{**SMALL, "videos": 1}))
    many = frames_of(source(**SMALL))
    assert digest(few) == digest(many[: len(few)])


def test_seeds_and_videos_differ() -> None:
    made = [frames_of(source(**{**SMALL, "videos": 2, "seed": seed})) for seed in (0, 1)]
    halves = [part for frames in made for part in (frames[:12], frames[12:])]
    assert len({digest(part) for part in halves}) == 4
    ids = [v.id for seed in (0, 1) for v in source(videos=2, seed=seed).videos()]
    assert ids == ["S000-V0000", "S000-V0001", "S001-V0000", "S001-V0001"]


def test_facts_are_those_declared(default: list[Frame]) -> None:
    held = frozenset().union(*(f.facts() for f in default), course_of(source()).facts())
    assert held == get_source("synthetic").info.facts
    assert Fact.TRACE not in get_source("synthetic").info.facts


def test_boxes_are_the_bounds_of_the_masks(default: list[Frame]) -> None:
    for f in default:
        masks, boxes = f.instrument_masks, f.instrument_boxes
        assert masks is not None and boxes is not None and len(masks) == len(boxes)
        assert len({id(m.mask.image) for m in masks if isinstance(m.mask, MaskImage)}) <= 1
        values = set()
        for mask, box in zip(masks, boxes, strict=True):
            assert mask.label == box.label and isinstance(mask.mask, MaskImage)
            drawn = pixels(mask.mask.image)
            assert drawn.dtype == np.uint8 and drawn.shape == (240, 320)
            rows, columns = np.nonzero(drawn == mask.mask.value)
            assert len(rows) >= 0.002 * drawn.size
            b = box.box
            got = (round(b.x1 * 320), round(b.y1 * 240), round(b.x2 * 320), round(b.y2 * 240))
            assert got == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            values.add(mask.mask.value)
        if masks:
            assert values == set(np.unique(drawn)) - {0}, "nothing in the map that is not annotated"


def test_tissue_boxes_are_the_bounds_of_what_is_drawn(scenes: list[Scene]) -> None:
    for s in scenes:
        for name, n in TISSUE.items():
            seen = np.argwhere(s.owners == n)
            assert (name in s.tissues) == (len(seen) >= 0.002 * s.owners.size)
            if name in s.tissues:
                top, left = seen.min(0)
                bottom, right = seen.max(0) + 1
                assert s.tissues[name] == (left, top, right, bottom)


def test_labels_actions_and_triplets_agree(default: list[Frame]) -> None:
    for f in default:
        assert f.triplets is not None and f.instruments is not None and f.actions is not None
        assert {t.instrument for t in f.triplets} == set(f.instruments) == {b.label for b in f.instrument_boxes or ()}
        assert {t.action for t in f.triplets if t.action.id != "null"} == set(f.actions)
        assert all((t.action.id == "null") == (t.target.id == "null") for t in f.triplets)
        assert {b.label for b in f.tissue_boxes or ()} == set(f.tissues or ())
        assert len(set(f.triplets)) == len(f.triplets)


@pytest.mark.parametrize("size", [(320, 240), (64, 48)])
def test_tips_lie_on_their_targets(size: tuple[int, int]) -> None:
    acting = idle = 0
    for video in range(8):
        for n in range(20):
            s = Scene(Spec(3, video, 20, 1.0, *size), n)
            bare = s.bare()
            meant = {(h.instrument, h.verb, h.target, h.port) for h in s.moment.hands}
            for i in s.instruments:
                h = i.hand
                assert (h.instrument, h.verb, h.target, h.port) in meant, f"{h} lost its target"
                if h.target == "null":
                    idle += 1
                elif h.target != "specimen_bag":
                    acting += 1
                    x, y = i.tip
                    assert bare[y, x] == TISSUE[h.target], (video, n, h)
                    assert s.shown[y, x]
    assert acting > 100 and idle > 5


def test_instruments_of_the_script_are_seen(scenes: list[Scene]) -> None:
    meant = sum(len(s.moment.hands) for s in scenes)
    assert sum(len(s.instruments) for s in scenes) >= 0.99 * meant


def test_segments_follow_the_frames() -> None:
    made = source(videos=1)
    segments = course_of(made).segments
    assert segments is not None
    for f in frames_of(made):
        now = f.index / f.fps
        for layer, label in (("phase", f.phase), ("step", f.step)):
            runs = [s for s in segments if s.layer == layer]
            assert runs[0].start_seconds == 0 and runs[-1].end_seconds == 24
            assert all(a.end_seconds == b.start_seconds for a, b in pairwise(runs))
            assert [s.label for s in runs if s.start_seconds <= now < s.end_seconds] == [label]
        under_way = [s.label for s in segments if s.layer == "action" and s.start_seconds <= now < s.end_seconds]
        assert sorted(x.native for x in under_way) == sorted(x.native for x in f.actions or ()), "every act, each once"


@settings(max_examples=60)
@given(st.integers(0, 2**40), st.integers(0, 10**6), st.integers(1, 90))
def test_every_story_is_whole(seed: int, video: int, frames: int) -> None:
    tale = story(seed, video, frames)
    for runs, order in ((tale.phases, ORDER), (tale.steps, STEPS)):
        assert runs[0].start == 0 and runs[-1].end == frames
        assert all(a.end == b.start for a, b in pairwise(runs))
        places = [order.index(r.name) for r in runs]
        assert places == sorted(set(places)), "surgical order, each once"
        assert all(r.start < r.end for r in runs)
    if frames >= 7:
        assert [p.name for p in tale.phases] == ORDER
    values = [tale.moment(n).state for n in range(frames)]
    assert all(0 <= v <= 1 for state in values for v in state)
    assert all(a.cut_duct <= b.cut_duct for a, b in pairwise(values)), "what is cut stays cut"


def test_splits_are_fixed_and_disjoint() -> None:
    found = {v.canonical_id: v.split for v in source(videos=18).videos()}
    assert Counter(found.values()) == {"train": 12, "val": 3, "test": 3}
    assert {v.canonical_id: v.split for v in source(videos=6).videos()}.items() <= found.items()
    assert [v.split for v in source(videos=1).videos()] == ["train"]
    assert set(found.values()) == set(get_source("synthetic").info.split_schemes["by_number"])


def test_everything_occurs(default: list[Frame]) -> None:
    assert {f.phase.id for f in default if f.phase} == set(ORDER)
    assert sum(f.instruments == () for f in default) >= 3, "frames without an instrument"
    assert sum(f.clean_image is not None for f in default) >= 10, "smoke"
    assert {t.instrument.id for f in default for t in f.triplets or ()} >= {
        "grasper", "hook", "scissors", "clipper", "irrigator", "specimen_bag",
    }  # fmt: skip
    verdicts = {(v.criterion.id, v.met) for f in default for v in f.criteria or ()}
    assert verdicts == {(c, met) for (kind, _), c in OWN if kind == "criterion" for met in (True, False)}
    assert any(f.criteria is None for f in default)
    more = [story(0, v, 200) for v in range(12)]
    assert {a.name for tale in more for a in tale.actions} == {id for (kind, _), id in OWN if kind == "action"} - {
        "null"
    }
    assert {s.name for tale in more for s in tale.steps} == set(STEPS)


def test_smoke_lies_over_the_clean_picture(default: list[Frame]) -> None:
    for f in default:
        if f.clean_image is None:
            continue
        smoky, clean = pixels(f.image).astype(int), pixels(f.clean_image).astype(int)
        assert smoky.shape == clean.shape == (240, 320, 3)
        assert smoky.mean() > clean.mean()
        assert np.abs(np.diff(smoky, axis=1)).mean() < np.abs(np.diff(clean, axis=1)).mean(), "smoke hides detail"


def test_depth_is_larger_farther_away(scenes: list[Scene]) -> None:
    compared = 0
    for s in scenes[::5]:
        assert s.depth.dtype == np.uint16 and (s.depth[~s.shown] == 65535).all()
        seen = s.depth[s.shown]
        assert len(np.unique(seen)) > 500
        for i in s.instruments:
            if i.hand.verb in ("dissect", "grasp", "retract", "cut", "clip"):
                around = s.depth[(s.owners == TOOL + i.number - 1)]
                wall = s.depth[(s.owners == TISSUE["abdominal_wall_cavity"])]
                assert len(wall) == 0 or np.median(around) < np.median(wall)
                compared += 1
    assert compared > 10


def test_pictures_are_pictures(scenes: list[Scene]) -> None:
    for s in scenes[::7]:
        assert s.picture.dtype == np.uint8 and s.picture.shape == (240, 320, 3)
        assert s.picture[~s.shown].max(initial=0) < 40, "dark outside the lens"
        inside = s.picture[s.shown].astype(int)
        assert 40 < inside.mean() < 190 and inside.std() > 15
        assert not s.picture.flags.writeable, "shared between readers"


def test_frames_hold_no_pixels_and_travel(default: list[Frame]) -> None:
    for f in default[:24]:
        sent = pickle.dumps(f)
        assert len(sent) < 20_000
        back = pickle.loads(sent)
        assert (pixels(back.depth) == pixels(f.depth)).all()


def test_memory_does_not_grow() -> None:
    made = source(videos=1, frames=160, width=64, height=48)
    (video,) = made.videos()
    stream = made.frames(video)
    kept = []
    tracemalloc.start()
    try:
        for n, f in enumerate(stream):
            assert isinstance(f, Frame)
            pixels(f.image)
            kept.append(f)
            if n == 40:
                before = tracemalloc.get_traced_memory()[0]
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 119 * 9_000, "kept frames keep facts (a few kB), not pixels (27 kB and more)"


@pytest.mark.parametrize("size", [(33, 47), (32, 32), (240, 64)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    for f in frames_of(source(videos=1, frames=9, width=size[0], height=size[1])):
        assert pixels(f.image).shape == (size[1], size[0], 3)
        assert pixels(f.depth).shape == (size[1], size[0])


def test_options_are_checked() -> None:
    kind = get_source("synthetic")
    assert all(f.metadata.get("help") for f in kind.options_type.__dataclass_fields__.values())
    assert parse_options(kind, {"videos": "3", "fps": "2.5"}) == kind.options_type(videos=3, fps=2.5)
    for bad in ({"videos": 0}, {"width": 8}, {"fps": 0.0}, {"fps": float("nan")}, {"seed": -1}, {"media": "film"}):
        with pytest.raises(SurgSigmaError):
            source(**bad)
    with pytest.raises(SurgSigmaError, match="even"):
        source(media="video", width=63)
    with pytest.raises(SurgSigmaError, match="cache"):
        frames_of(source(media="video", **SMALL))


def test_films(tmp_path: Path) -> None:
    video_module = pytest.importorskip("surgsigma_hub.media.video")
    pytest.importorskip("av")
    made = source(tmp_path, media="video", **{**SMALL, "videos": 1, "fps": 2.0})
    frames = frames_of(made)
    footage = course_of(made).footage
    (film,) = tmp_path.iterdir()
    written = film.stat().st_mtime_ns
    assert len(video_module.open_video(film)) == 12
    assert footage == Film(film, 2.0)
    for f in frames:
        assert f.image == VideoFrame(film, f.index)
        shown = video_module.read_frame(film, f.index).astype(int)
        drawn = scene(Spec(0, 0, 12, 2.0, 64, 48), f.index).picture.astype(int)
        assert np.abs(shown - drawn).mean() < 12
    frames_of(made)
    assert film.stat().st_mtime_ns == written, "written once"
