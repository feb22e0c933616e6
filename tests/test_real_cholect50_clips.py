"""Tasks of clips on the real labels of CholecT50: counts and answers against an independent reading of the JSON.

The labels at hand are of the challenge part, which knows no end of an action. Said to be of the full release, without
boxes, the same labels have ends that are known, where the next second is labelled.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from surgsigma_hub.api import build
from surgsigma_hub.building.rehearse import rehearse
from surgsigma_hub.records import Sample
from surgsigma_hub.registry import get_source
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.shards.validate import validate
from surgsigma_hub.tasks import get_task

VIDEOS = ("VID68", "VID73", "VID74")
CLIPS = ("action_remaining_prediction", "next_action_planning", "video_captioning", "video_generation")
ENDS = CLIPS[:2]
Stretch = tuple[int, int, str]
Verbs = dict[str, dict[int, set[str]]]


def stretches(seconds: dict[int, set[str]]) -> list[Stretch]:
    """``(first, end, name)`` of every longest run of seconds that hold a name."""
    found = []
    for name in set().union(*seconds.values()):
        held = sorted(n for n, names in seconds.items() if name in names)
        first = held[0]
        for a, b in zip(held, [*held[1:], None], strict=True):
            if b != a + 1:
                found.append((first, a + 1, name))
                first = b or 0
    return sorted(found)


@pytest.fixture(scope="module")
def verbs(real: Path) -> Verbs:
    """Video to second to the verbs of its triplets, read with nothing of ours."""
    read: Verbs = {}
    for video in VIDEOS:
        raw = json.loads((real / "cholect50" / "labels" / f"{video}.json").read_text())
        triplets = {int(k): v.split(",") for k, v in raw["categories"]["triplet"].items()}
        read[video] = {
            int(n): {triplets[r[0]][1] for r in rows if r[0] != -1} - {"null_verb"}
            for n, rows in raw["annotations"].items()
        }
    return read


@pytest.fixture(scope="module")
def as_full(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same labels as a full release has them: without boxes, and without saying that they are of the challenge."""
    root = tmp_path_factory.mktemp("full")
    (root / "labels").mkdir()
    (root / "videos").symlink_to(real / "cholect50" / "videos")
    for video in VIDEOS:
        raw = json.loads((real / "cholect50" / "labels" / f"{video}.json").read_text())
        raw["info"]["dataset"] = "CholecT50"
        for rows in raw["annotations"].values():
            for row in rows:
                row[3:7] = [-1.0] * 4
        (root / "labels" / f"{video}.json").write_text(json.dumps(raw))
    return root


def rehearsed(root: Path, *tasks: str) -> list[Sample]:
    source = get_source("cholect50")(root)
    return [s for video in source.videos() for _, _, s in rehearse(source, video, map(get_task, tasks))]


@pytest.fixture(scope="module")
def built(real: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], Counter[str]]:
    """The samples of a build, and how many clips of each task were left out for a missing picture."""
    out = tmp_path_factory.mktemp("clips") / "surgsigma"
    report = build("cholect50", root=real / "cholect50", out=out, tasks=CLIPS, max_quarantine=1, clip_side=96)
    assert report.committed and validate(out).ok and set(report.quarantined) == {"media_missing", "clip_incomplete"}
    samples = []
    for manifest in load_tree(out):
        for shard in manifest.shards:
            with (out / manifest.folder / shard.name).open("rb") as file:
                samples += [orjson.loads(members["json"]) for _, members in read_shard(file, where=shard.name)]
    return samples, Counter(report.quarantined)


def pictures(real: Path, video: str) -> set[int]:
    return {int(p.stem) for p in (real / "cholect50" / "videos" / video).glob("*.png")}


def test_every_clip_holds_only_pictures_that_are_there(
    built: tuple[list[dict[str, Any]], Counter[str]], real: Path
) -> None:
    samples, _ = built
    assert samples
    for doc in samples:
        first, end = doc["start_seconds"], doc["end_seconds"]
        shown = range(-int(-first // 1), -int(-end // 1))
        assert set(shown) <= pictures(real, doc["video_id"]), doc["id"]
        (clip,) = [m for m in doc["media"] if m["kind"] == "video"]
        assert clip["num_frames"] == len(shown) and clip["fps"] == 1


def test_the_challenge_part_is_not_asked_when_an_action_ends_or_begins(real: Path) -> None:
    """86 and 434 samples were made of it, and 65 and 407 of these ended or were cut at an unlabelled second."""
    assert rehearsed(real / "cholect50", *ENDS) == []


def test_the_time_left_is_that_of_the_labels(as_full: Path, verbs: Verbs) -> None:
    mine = rehearsed(as_full, "action_remaining_prediction")
    assert len(mine) >= 5
    for sample in mine:
        labelled = verbs[sample.video_id]
        runs = [r for r in stretches(labelled) if (r[2],) == sample.native.labels]
        assert sample.start_seconds is not None and sample.end_seconds is not None
        (run,) = [r for r in runs if r[0] <= sample.start_seconds and sample.end_seconds < r[1]]
        assert sample.answer.seconds == run[1] - sample.end_seconds
        assert run[1] in labelled and run[2] not in labelled[run[1]], "the second after it is labelled otherwise"


def test_the_next_action_is_that_of_the_labels(as_full: Path, verbs: Verbs) -> None:
    mine = rehearsed(as_full, "next_action_planning")
    assert len(mine) >= 5
    for sample in mine:
        labelled, cut = verbs[sample.video_id], sample.end_seconds
        assert cut is not None
        later = [r for r in stretches(labelled) if r[0] >= cut]
        first = min(r[0] for r in later)
        assert {r[2] for r in later if r[0] == first} == set(sample.native.labels)
        assert set(range(int(cut) - 1, first + 1)) <= set(labelled), "every second up to its beginning is labelled"
        assert not set(sample.native.labels) & labelled[first - 1], "it was not under way"


def test_counts_of_drafts_are_those_of_the_labels(as_full: Path, verbs: Verbs) -> None:
    """How often each task can be asked, counted from the stretches alone."""
    made = Counter((s.video_id, s.task) for s in rehearsed(as_full, *ENDS))
    for video, labelled in verbs.items():
        runs = stretches(labelled)
        left = sum(min(3, 1 + (end - first) // 20) for first, end, _ in runs if end - first >= 3 and end in labelled)
        asked = 0
        for cut in {end for _, end, _ in runs if end in labelled}:
            begun = sorted(first for first, _, _ in runs if first < cut)
            later = [r for r in runs if cut <= r[0] <= cut + 30]
            first = min((r[0] for r in later), default=0)
            coming = {r[2] for r in later if r[0] == first}
            known = set(range(cut, first + 1)) <= set(labelled) and first - 1 in labelled
            under_way = any(r[2] in coming and r[0] < cut <= r[1] for r in runs)
            seen = len(begun) >= 2 and cut - max(begun[-2], cut - 20) >= 2
            asked += seen and len(coming) == 1 and known and not under_way
        assert (made[video, ENDS[0]], made[video, ENDS[1]]) == (left, asked), video


def test_captions_and_videos_are_of_the_same_windows(real: Path, verbs: Verbs) -> None:
    said: dict[str, dict[tuple[str, float | None], str]] = {"video_captioning": {}, "video_generation": {}}
    for sample in rehearsed(real / "cholect50", *said):
        said[sample.task][sample.video_id, sample.start_seconds] = sample.answer.text
        assert sample.start_seconds is not None and sample.end_seconds is not None
        shown = set(range(int(sample.start_seconds), int(sample.end_seconds)))
        assert shown <= set(verbs[sample.video_id]), "every second of the clip is labelled"
        assert "he grasper" not in sample.answer.text, "another one may be in view"
    assert said["video_captioning"] == said["video_generation"] and said["video_captioning"]
    assert all(start is not None and start % 10 == 0 for _, start in said["video_captioning"])


def test_what_was_left_out_is_counted(
    built: tuple[list[dict[str, Any]], Counter[str]], real: Path, verbs: Verbs
) -> None:
    """Every clip that could be asked about is built, or counted beside the labelled seconds without a picture."""
    samples, left_out = built
    drafts = len(rehearsed(real / "cholect50", *CLIPS))
    seconds = sum(len(set(labelled) - pictures(real, video)) for video, labelled in verbs.items())
    assert left_out == {"media_missing": seconds, "clip_incomplete": drafts - len(samples)} and drafts >= 30
