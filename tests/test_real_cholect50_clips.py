"""Tasks of clips on the real labels of CholecT50: counts and answers against an independent reading of the JSON."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from surgsigma_hub.api import build
from surgsigma_hub.build.rehearse import rehearse
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard
from surgsigma_hub.shards.validate import validate
from surgsigma_hub.source import get_source
from surgsigma_hub.tasks import get_task

VIDEOS = ("VID68", "VID73", "VID74")
CLIPS = ("action_remaining_prediction", "next_action_planning", "video_captioning", "video_generation")
Stretch = tuple[int, int, str]


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
def verbs(real: Path) -> dict[str, dict[int, set[str]]]:
    """Video to second to the verbs of its triplets, read with nothing of ours."""
    read: dict[str, dict[int, set[str]]] = {}
    for video in VIDEOS:
        raw = json.loads((real / "cholect50" / "labels" / f"{video}.json").read_text())
        triplets = {int(k): v.split(",") for k, v in raw["categories"]["triplet"].items()}
        read[video] = {
            int(n): {triplets[r[0]][1] for r in rows if r[0] != -1} - {"null_verb"}
            for n, rows in raw["annotations"].items()
        }
    return read


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


def test_the_time_left_is_that_of_the_labels(
    built: tuple[list[dict[str, Any]], Counter[str]], verbs: dict[str, dict[int, set[str]]]
) -> None:
    samples, _ = built
    mine = [d for d in samples if d["task"] == "action_remaining_prediction"]
    assert len(mine) >= 5
    for doc in mine:
        runs = [r for r in stretches(verbs[doc["video_id"]]) if r[2] == doc["native"]["labels"][0]]
        (run,) = [r for r in runs if r[0] <= doc["start_seconds"] and doc["end_seconds"] < r[1]]
        assert doc["answer"]["seconds"] == run[1] - doc["end_seconds"]


def test_the_next_action_is_that_of_the_labels(
    built: tuple[list[dict[str, Any]], Counter[str]], verbs: dict[str, dict[int, set[str]]]
) -> None:
    samples, _ = built
    mine = [d for d in samples if d["task"] == "next_action_planning"]
    assert len(mine) >= 2
    for doc in mine:
        later = [r for r in stretches(verbs[doc["video_id"]]) if r[0] >= doc["end_seconds"]]
        first = min(r[0] for r in later)
        assert {r[2] for r in later if r[0] == first} == set(doc["native"]["labels"])


def test_counts_of_drafts_are_those_of_the_labels(real: Path, verbs: dict[str, dict[int, set[str]]]) -> None:
    """Before media: how often each task can be asked, counted from the stretches alone."""
    source = get_source("cholect50")(real / "cholect50")
    names = ("action_remaining_prediction", "next_action_planning")
    for video in source.videos():
        runs = stretches(verbs[video.id])
        made = Counter(task.name for task, _, _ in rehearse(source, video, map(get_task, names)))
        left = sum(min(3, 1 + (end - first) // 20) for first, end, _ in runs if end - first >= 3)
        asked = 0
        for cut in {end for _, end, _ in runs}:
            begun = sorted(first for first, _, _ in runs if first < cut)
            later = [r for r in runs if cut <= r[0] <= cut + 30]
            coming = {r[2] for r in later if r[0] == min(x[0] for x in later)}
            asked += len(begun) >= 2 and len(coming) == 1 and cut - max(begun[-2], cut - 20) >= 2
        assert (made[names[0]], made[names[1]]) == (left, asked), video.id


def test_captions_and_videos_are_of_the_same_windows(built: tuple[list[dict[str, Any]], Counter[str]]) -> None:
    samples, _ = built
    said = {
        task: {(d["video_id"], d["start_seconds"]): d["answer"]["text"] for d in samples if d["task"] == task}
        for task in ("video_captioning", "video_generation")
    }
    assert said["video_captioning"] == said["video_generation"] and said["video_captioning"]
    assert all(start % 10 == 0 for _, start in said["video_captioning"])


def test_what_was_left_out_is_counted(
    built: tuple[list[dict[str, Any]], Counter[str]], real: Path, verbs: dict[str, dict[int, set[str]]]
) -> None:
    """Every clip that could be asked about is built, or counted beside the labelled seconds without a picture."""
    samples, left_out = built
    source = get_source("cholect50")(real / "cholect50")
    drafts = sum(1 for video in source.videos() for _ in rehearse(source, video, map(get_task, CLIPS)))
    seconds = sum(len(set(labelled) - pictures(real, video)) for video, labelled in verbs.items())
    assert left_out == {"media_missing": seconds, "clip_incomplete": drafts - len(samples)} and drafts > 100
