"""The variety of a tree's language and the scores of blind guesses, on texts whose figures are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.api import build
from surgsigma_hub.cli import main
from surgsigma_hub.shards import wording_statistics
from surgsigma_hub.shards.answer_statistics import documents
from surgsigma_hub.shards.manifest import Manifest
from surgsigma_hub.shards.wording_statistics import Variety, _Asked, _blind, count_wording, self_bleu


def test_texts_that_are_all_alike_and_all_different() -> None:
    alike, apart = (
        Variety.of(["the same old text here"] * 5),
        Variety.of([f"a{n} b{n} c{n} d{n} e{n}" for n in range(5)]),
    )
    assert alike is not None and apart is not None
    assert (alike.per_thousand, alike.self_bleu, alike.words) == (200, 1.0, (5, 5, 5))
    assert (apart.per_thousand, apart.self_bleu, apart.bigrams) == (1000, 0.0, 1.0)
    assert Variety.of([]) is None


def test_self_bleu_is_bleu_against_all_the_others() -> None:
    texts = [t.split() for t in ("a b c d e", "a b c d f", "a b c d e f")]
    first = 1.0  # all of it stands in the third text
    second = (5 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    third = (6 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25
    assert self_bleu(texts) == pytest.approx((first + second + third) / 3, abs=0.001)


def test_a_count_is_clipped_by_the_largest_in_one_other_text() -> None:
    assert self_bleu([["a", "a", "a"], ["a", "b", "c"], ["a", "d", "e"]]) == 0.0, "no bigram is shared"
    assert self_bleu([["a"], ["a"], ["b"]]) == pytest.approx(2 / 3, abs=0.001)


def test_blind_guesses_leave_the_video_itself_out() -> None:
    asked = [_Asked(video, question, answer, []) for video, question, answer in ("1qx", "1qx", "2qy", "2ry")]
    found = _blind("s", asked)
    assert found.constant == 0.5
    assert found.question == 0.0, "what is right in one video never occurs in the other"
    assert _blind("s", asked[:2]).question is None, "one video has no other"


def test_the_median_box_is_that_of_the_other_videos() -> None:
    near, far = (0.1, 0.1, 0.5, 0.5), (0.6, 0.6, 0.9, 0.9)
    boxes = [("1", "hook", near), ("2", "hook", near), ("3", "clip", far)]
    asked = [_Asked(video, "q", video, [(label, box)]) for video, label, box in boxes]
    assert _blind("s", asked).box == pytest.approx(2 / 3, abs=0.001), "a label of one video only cannot be guessed"


def test_a_tree_is_counted_and_its_cards_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "tree"
    size = {"videos": "3", "width": "64", "height": "48"}
    build("synthetic", out=tree, tasks=["phase_recognition", "depth_estimation"], options=size, workers=1)
    found = {w.task: w for w in count_wording(tree)}
    phase = found["phase_recognition"]
    assert phase.questions is not None and phase.questions.texts >= phase.samples
    assert phase.blind[0].question is not None and sum(phase.kinds.values()) == phase.samples
    assert found["depth_estimation"].blind == (), "a depth map cannot be guessed as text"
    assert count_wording(tree, limit=10)[1].samples < phase.samples
    assert main(["info", str(tree), "--wording"]) == 0
    assert "self-BLEU" in capsys.readouterr().out
    card = (tree / "cards" / "task_phase_recognition.md").read_text("utf-8")
    assert "## Without the image" in card and f"{phase.questions.per_thousand:,}" in card
    assert main(["info", str(tmp_path / "no"), "--wording"]) != 0


def test_a_tree_by_medium_is_counted_alike_and_read_once_for_all_of_its_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = {"tasks": ["phase_recognition", "safety_assessment"], "options": {"videos": "3", "frames": "4"}}
    for layout in ("tasks", "frames"):
        build("synthetic", out=tmp_path / layout, layout=layout, **how)
    asked: list[str] = []

    def counted(tree: Path, manifest: Manifest, fields: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        asked.append(manifest.path)
        return documents(tree, manifest, fields)

    monkeypatch.setattr(wording_statistics, "documents", counted)
    by_task, by_medium = (
        [(w.task, w.samples, w.kinds, w.blind) for w in count_wording(tmp_path / layout)]
        for layout in ("tasks", "frames")
    )
    assert by_task == by_medium
    assert len(asked) == len(set(asked))
