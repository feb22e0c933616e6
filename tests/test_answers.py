"""The distribution of answers, against numbers counted by hand or by other means."""

from __future__ import annotations

import io
import json
import statistics
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub import records as r
from surgsigma_hub.cli import main
from surgsigma_hub.errors import ShardError
from surgsigma_hub.shards.answer_statistics import Distribution, Spread, Tally, count_answers, size_word
from surgsigma_hub.shards.reader import read_documents, read_shard

from handmade import entries, jpeg, sample, small_tree, tar_bytes, write_part


def counted(tree: Path, task: str, answers: list[r.Answer]) -> Distribution:
    """The distribution of a tree that holds just these answers, in two shards where there are enough."""
    made = [sample(n, task=task, answer=a) for n, a in enumerate(answers)]
    half = (len(made) + 1) // 2
    write_part(tree, [s for s in (made[:half], made[half:]) if s])
    (found,) = count_answers(tree)
    return found


def shares(tallies: tuple[Tally, ...]) -> dict[str, tuple[int, float]]:
    return {t.what: (t.count, round(t.share, 3)) for t in tallies}


# ------------------------------------------------------------------------------------------------ by hand, by kind


def test_labels(tmp_path: Path) -> None:
    sets = [("hook", "grasper"), ("grasper", "hook"), ("hook",), (), ()]
    found = counted(tmp_path, "instrument_recognition", [r.Answer("x", labels=s) for s in sets])
    assert (found.task, found.source, found.split, found.kind) == (
        "instrument_recognition",
        "synthetic",
        "train",
        "labels",
    )
    assert (found.samples, found.none) == (5, 2)
    assert [t.what for t in found.labels] == ["hook", "grasper"], "most frequent first"
    assert shares(found.labels) == {"hook": (3, 0.6), "grasper": (2, 0.4)}
    assert found.guess is not None and found.guess.mean_error is None
    # Twice the pair, whatever its order, and twice nothing: of equals the first by name is taken.
    assert (found.guess.answer, found.guess.accuracy) == ("grasper, hook", 0.4)
    assert found.words is None and found.seconds is None and found.boxes_per_answer == ()


def test_one_label(tmp_path: Path) -> None:
    found = counted(tmp_path, "phase_recognition", [r.Answer("x", labels=(p,)) for p in "aabac"])
    assert shares(found.labels) == {"a": (3, 0.6), "b": (1, 0.2), "c": (1, 0.2)}
    assert found.none == 0 and found.guess is not None and found.guess.accuracy == 0.6


def test_triplets(tmp_path: Path) -> None:
    one, two = r.AnswerTriplet("hook", "dissect", "liver"), r.AnswerTriplet("grasper", "null", "null")
    answers = [r.Answer("x", triplets=t) for t in ((one, two), (two, one), (one, one), ())]
    found = counted(tmp_path, "triplet_recognition", answers)
    assert shares(found.triplets) == {"hook, dissect, liver": (3, 0.75), "grasper, null, null": (2, 0.5)}
    assert found.none == 1 and found.guess is not None and found.guess.accuracy == 0.5
    assert found.guess.answer == "grasper, null, null; hook, dissect, liver"


def test_boxes(tmp_path: Path) -> None:
    def box(label: str, side: float) -> r.AnswerBox:
        return r.AnswerBox(label, 0.0, 0.0, side, side)

    rows = [(box("hook", 0.09), box("hook", 0.5)), (box("grasper", 0.3),), (box("grasper", 0.3),), ()]
    found = counted(tmp_path, "instrument_localization", [r.Answer("x", boxes=b) for b in rows])
    assert shares(found.boxes_per_answer) == {"0": (1, 0.25), "1": (2, 0.5), "2": (1, 0.25)}
    assert shares(found.box_sizes) == {"small": (1, 0.25), "medium": (2, 0.5), "large": (1, 0.25)}
    assert shares(found.labels) == {"grasper": (2, 0.5), "hook": (1, 0.25)}, "a sample counts once for two hooks"
    assert found.none == 1 and found.guess is not None and found.guess.accuracy == 0.5


@pytest.mark.parametrize(("side", "word"), [(0.09, "small"), (0.11, "medium"), (0.31, "medium"), (0.32, "large")])
def test_size_words(side: float, word: str) -> None:
    assert size_word({"x1": 0.5, "y1": 0.1, "x2": 0.5 + side, "y2": 0.1 + side}) == word


def test_criteria(tmp_path: Path) -> None:
    def judged(**met: bool) -> r.Answer:
        return r.Answer("x", criteria=tuple(r.AnswerCriterion(c, m, (float(m),)) for c, m in met.items()))

    answers = [
        judged(plate=True, two=False),
        judged(two=False, plate=True),
        judged(plate=False, two=True),
        judged(two=False),
    ]
    found = counted(tmp_path, "safety_assessment", answers)
    assert shares(found.criteria) == {"plate": (2, 0.667), "two": (1, 0.25)}
    assert found.none is None and found.guess is not None
    assert (found.guess.answer, found.guess.accuracy) == ("plate: yes; two: no", 0.5)


def test_seconds(tmp_path: Path) -> None:
    found = counted(
        tmp_path, "action_remaining_prediction", [r.Answer("x", seconds=s) for s in (1.0, 2.0, 3.0, 4.0, 10.0)]
    )
    assert found.seconds == Spread(1.0, 2.0, 3.0, 4.0, 10.0)
    assert found.guess is not None and found.guess.accuracy is None
    assert (found.guess.answer, found.guess.mean_error) == ("3", 2.2)


def test_text(tmp_path: Path) -> None:
    texts = ["one", "one two three", "one two three", "a b c d e"]
    found = counted(tmp_path, "image_captioning", [r.Answer(t) for t in texts])
    assert found.words == Spread(1, 2.5, 3.0, 3.5, 5)
    assert found.guess is not None and (found.guess.answer, found.guess.accuracy) == ("one two three", 0.5)


def test_a_medium_is_not_guessed(tmp_path: Path) -> None:
    found = counted(tmp_path, "instrument_segmentation", [r.Answer("mask of hook", labels=("hook",))] * 3)
    assert found.guess is None and found.none is None and shares(found.labels) == {"hook": (3, 1.0)}


def test_a_task_of_a_later_version_is_counted_by_what_it_holds(tmp_path: Path) -> None:
    found = counted(tmp_path, "tool_counting", [r.Answer("x", labels=("a",)), r.Answer("x", labels=("a",))])
    assert found.kind == "labels" and found.guess is not None and found.guess.accuracy == 1.0


@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=30))
def test_a_spread_is_ordered(values: list[float]) -> None:
    spread = Spread.of(values)
    assert spread.low == min(values) and spread.high == max(values)
    assert spread.median == pytest.approx(statistics.median(values), abs=1e-3)
    assert spread.low - 1e-3 <= spread.first <= spread.median <= spread.third <= spread.high + 1e-3


# ---------------------------------------------------------------------------------------------- the pass, the tree


def test_a_tree_agrees_with_tarfile_and_json(tmp_path: Path) -> None:
    tree = small_tree(tmp_path / "surgsigma")
    found = {(d.task, d.source, d.split): d for d in count_answers(tree)}
    assert len(found) == 3
    for (task, source, split), one in found.items():
        labels: Counter[str] = Counter()
        total = 0
        for shard in (tree / "data" / task / source).glob(f"{split}-*.tar"):
            with tarfile.open(shard) as tar:
                for member in tar.getmembers():
                    if member.name.endswith(".json"):
                        total += 1
                        labels.update(json.load(tar.extractfile(member))["answer"]["labels"])  # type: ignore[arg-type]
        assert one.samples == total > 0
        assert {t.what: t.count for t in one.labels} == labels


class Watched(io.BytesIO):
    """Counts the bytes that are read."""

    seen = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.seen += len(data)
        return data


def test_media_are_passed_over_unread() -> None:
    picture = jpeg(size=(640, 480), comment=b"x" * 60_000)
    pairs = [sample(n, media=[("image.jpg", "image", "input", picture)]) for n in range(5)]
    data = tar_bytes(e for made, media in pairs for e in entries(made, media))
    file = Watched(data)
    documents = list(read_documents(file, where="x.tar"))
    assert documents == [json.loads(m["json"]) for _, m in read_shard(io.BytesIO(data), where="x.tar")]
    assert file.seen < len(data) / 10


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9])
def test_a_cut_shard_is_an_error(tmp_path: Path, keep: float) -> None:
    tree = small_tree(tmp_path / "surgsigma")
    shard = tree / "data/phase_recognition/synthetic/train-00000.tar"
    whole = shard.read_bytes()
    end = len(whole.rstrip(b"\0"))
    shard.write_bytes(whole[: int(end * keep)])
    with pytest.raises(ShardError, match=r"train-00000\.tar"):
        count_answers(tree)
    shard.unlink()
    with pytest.raises(ShardError, match="no such shard"):
        count_answers(tree)


def test_a_sample_without_answer_is_an_error(tmp_path: Path) -> None:
    tree = small_tree(tmp_path / "surgsigma")
    shard = tree / "data/phase_recognition/synthetic/train-00000.tar"
    shard.write_bytes(tar_bytes([("a.json", b"{}")]))
    with pytest.raises(ShardError, match="answer is missing"):
        count_answers(tree)
    shard.write_bytes(tar_bytes([("a.json", b"{no")]))
    with pytest.raises(ShardError, match="no JSON"):
        count_answers(tree)


# ---------------------------------------------------------------------------------------------------- the command


def test_the_command_prints_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = tmp_path / "surgsigma"
    labels = [("a",), ("a",), ("b",), ("c",)]
    write_part(
        tree, [[sample(n, task="phase_recognition", answer=r.Answer("x", labels=x)) for n, x in enumerate(labels)]]
    )
    write_part(tree, [[sample(0, task="action_remaining_prediction", answer=r.Answer("x", seconds=2.5))]])
    assert main(["info", str(tree), "--answers", "--top", "2"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "phase_recognition (answers with label)" in shown
    assert "synthetic train 4 0.0% 50.0% a" in shown
    assert "label a 2 50.0%" in shown and "(1 more)" in shown and "label c" not in shown
    assert "0.00 s 2.5 s" in shown


def test_the_command_gives_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = small_tree(tmp_path / "surgsigma")
    assert main(["info", str(tree), "--answers", "--json"]) == 0
    made: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert [(a["task"], a["split"], a["samples"]) for a in made["answers"]] == [
        ("instrument_segmentation", "train", 3),
        ("phase_recognition", "test", 6),
        ("phase_recognition", "train", 6),
    ]
    assert made["answers"][1]["guess"] == {"answer": "preparation", "accuracy": 1.0, "mean_error": None}


def test_what_is_no_tree_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "phase_recognition", "--answers"]) == 2
    assert "counts a built tree" in capsys.readouterr().err
