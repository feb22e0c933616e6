"""``--even-clips``: an even number of frames where what is said of a clip allows it, and nothing else is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.api import build
from surgsigma_hub.media.clips import even_cut, step_for
from surgsigma_hub.records import Cut, Film
from surgsigma_hub.shards.manifest import load_tree
from surgsigma_hub.shards.reader import read_shard

FREE = ("action_remaining_prediction", "next_action_planning", "step_recognition")
WHOLE = ("video_captioning",)
"""A caption tells its clip from its first frame on."""


@given(
    st.sampled_from([1.0, 5.0, 25.0, 29.97]),
    st.integers(0, 2000),
    st.integers(1, 500),
    st.sampled_from([1.0, 3.0, 10.0, 60.0]),
)
def test_less_than_a_frame_of_the_clip_is_left_out_and_the_end_stays(
    fps: float, first: int, length: int, limit: float
) -> None:
    cut = Cut(Film(Path("a.mp4"), fps), first / fps, (first + length) / fps, may_begin_later=True)
    fixed = Cut(cut.footage, cut.start_seconds, cut.end_seconds)
    even, step = even_cut(cut, limit), step_for(fps, limit)
    assert even_cut(fixed, limit) is fixed and even_cut(even, limit) is even
    before, after = (len(one.frames[::step]) for one in (cut, even))
    assert after == (before if before == 1 else before // 2 * 2)
    assert even.frames.stop == cut.frames.stop and 0 <= even.frames.start - cut.frames.start <= step


def _clips(tree: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for manifest in load_tree(tree):
        for shard in manifest.shards:
            with (tree / manifest.folder / shard.name).open("rb") as file:
                for key, members in read_shard(file, where=shard.name):
                    sample = orjson.loads(members["json"])
                    if any(medium["kind"] == "video" for medium in sample["media"]):
                        found[key] = sample
    return found


def test_a_build_changes_the_number_of_frames_and_nothing_that_is_said(tmp_path: Path) -> None:
    options = {"videos": "3", "frames": "30", "width": "64", "height": "48"}
    told: dict[str, Any] = {"options": options, "tasks": [*FREE, *WHOLE], "splits": ["train"], "joint": 0.0}
    assert build("synthetic", out=tmp_path / "plain", **told).ok
    assert build("synthetic", out=tmp_path / "even", **told, even_clips=True).ok
    plain, even = _clips(tmp_path / "plain"), _clips(tmp_path / "even")
    assert list(plain) == list(even)
    changed = set()
    for key, one in even.items():
        (medium,), (before,) = ([m for m in s["media"] if m["kind"] == "video"] for s in (one, plain[key]))
        begin, began = one.pop("start_seconds"), plain[key].pop("start_seconds")
        for sample in (one, plain[key]):
            del sample["media"], sample["reasoning"]  # traces say what is in their clip
        assert one == plain[key], "answers, questions and the end are the same"
        if one["task"] in FREE and medium != before:
            assert before["num_frames"] - medium["num_frames"] == 1 and 0 < begin - began <= 1 / before["fps"]
            changed.add(one["task"])
        else:
            assert medium == before and begin == began
        assert medium["num_frames"] % 2 == 0 or one["task"] in WHOLE
    assert changed == set(FREE)
    assert all(manifest.options["even_clips"] for manifest in load_tree(tmp_path / "even"))
    assert not any("even_clips" in manifest.options for manifest in load_tree(tmp_path / "plain"))
