"""VlmCollator with clips gives one and the same batch under the oldest and the newest transformers that we know of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit import environment, frames_seen, tiny

pytestmark = pytest.mark.slow
ENVIRONMENTS = ("transformers", "transformers_floor")


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
def test_clips_keep_their_frames_and_times(name: str, family: str, tmp_path: Path) -> None:
    where = environment(name)
    (found,) = where.probe("collator", tmp_path / "seen.json", str(tiny(where, family, tmp_path)))
    assert found["learned"] == [["4 frames<|im_end|>"], ["10 frames<|im_end|>"]] and 0 < found["loss"] < 12
    assert [frames_seen(clip["levels"]) for clip in found["videos"]] == [list(range(4)), list(range(10))]
    if family == "qwen3_vl":
        step = r"<\d\.\d seconds><\|vision_start\|>(?:<\|video_pad\|>)+<\|vision_end\|>"
        for text, times in zip(found["text"], ([0.5, 2.5], [0.1, 0.5, 0.9, 1.3, 1.7]), strict=True):
            assert re.search(rf"user\n(?:{step}){{{len(times)}}}(?!<)", text), text
            assert text.count("<|vision_start|>") == text.count("<|vision_end|>") == len(times)
            assert [float(t) for t in re.findall(r"<([\d.]+) seconds>", text)] == times
    else:
        assert found["seconds_per_step"] == pytest.approx([2.0, 0.4])
        assert all(text.count("<|vision_start|>") == 1 for text in found["text"])
    assert ["clip-4" in error for error in found["told"]] == [True, True]
