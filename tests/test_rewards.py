"""Rewards: the truth has 1, garbage 0, and what is nearer to the truth never has less."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.adapters.formats.grpo import verifiable_tasks
from surgsigma_hub.adapters.rewards import answer_reward, read_solution, trace_reward
from surgsigma_hub.adapters.scores import best_total, iou, score
from surgsigma_hub.errors import BadAnswerError, SurgSigmaError, UnknownNameError
from surgsigma_hub.ontology import concepts
from surgsigma_hub.reasoning.format import write_trace
from surgsigma_hub.records import Answer, AnswerBox, AnswerCriterion, AnswerTriplet, Reasoning
from surgsigma_hub.tasks import all_tasks, get_task
from surgsigma_hub.tasks.common.answers import boxes_text, criteria_text, names, plain_list, triplets_text
from surgsigma_hub.tasks.common.wording import seconds_text

INSTRUMENTS = [i for i in concepts("instrument") if i != "null"]
PHASES = [i for i in concepts("phase") if i != "null"]


def some(ids: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(ids), unique=True, max_size=4)


@st.composite
def boxes(draw: st.DrawFn) -> AnswerBox:
    x1, x2 = sorted(draw(st.lists(st.integers(0, 1000), min_size=2, max_size=2, unique=True)))
    y1, y2 = sorted(draw(st.lists(st.integers(0, 1000), min_size=2, max_size=2, unique=True)))
    return AnswerBox(draw(st.sampled_from(["grasper", "hook"])), x1 / 1000, y1 / 1000, x2 / 1000, y2 / 1000)


def of_labels(ids: list[str]) -> Answer:
    ordered = tuple(i for i in INSTRUMENTS if i in ids)
    return Answer(text=plain_list(names("instrument", ordered)), labels=ordered)


def of_boxes(found: list[AnswerBox]) -> Answer:
    return Answer(text=boxes_text("instrument", tuple(found)), boxes=tuple(found))


def of_criteria(met: dict[str, bool]) -> Answer:
    typed = tuple(AnswerCriterion(id, m) for id, m in met.items())
    return Answer(text=criteria_text(typed), criteria=typed)


TRIPLETS = [
    AnswerTriplet("grasper", "retract", "gallbladder"),
    AnswerTriplet("hook", "dissect", "cystic_duct"),
    AnswerTriplet("grasper", "null", "null"),
]
CRITERIA = ("two_structures", "hepatocystic_triangle", "cystic_plate")
TRUTHS: dict[str, st.SearchStrategy[Answer]] = {
    "instrument_recognition": some(INSTRUMENTS).map(of_labels),
    "phase_recognition": st.sampled_from(PHASES).map(lambda p: Answer(names("phase", [p])[0], labels=(p,))),
    "instrument_localization": st.lists(boxes(), max_size=4).map(of_boxes),
    "triplet_recognition": st.lists(st.sampled_from(TRIPLETS), unique=True).map(
        lambda found: Answer(text=triplets_text(found), triplets=tuple(found))
    ),
    "safety_assessment": st.lists(st.booleans(), min_size=3, max_size=3).map(
        lambda met: of_criteria(dict(zip(CRITERIA, met, strict=True)))
    ),
    "action_remaining_prediction": st.integers(1, 600).map(lambda s: Answer(text=seconds_text(s), seconds=float(s))),
}


@pytest.mark.parametrize("task", sorted(TRUTHS))
@given(data=st.data())
def test_the_truth_has_1_in_every_form(task: str, data: st.DataObject) -> None:
    truth = data.draw(TRUTHS[task])
    said = data.draw(
        st.sampled_from(
            [truth.text, f"<think>A hook? No.</think>\n<answer>{truth.text}</answer>", f"Answer: {truth.text}"]
        )
    )
    as_message = [{"role": "assistant", "content": said}]
    as_parts = [{"role": "assistant", "content": [{"type": "text", "text": said}]}]
    solutions: list[Any] = [truth, asdict(truth), json.dumps(asdict(truth))]
    found = answer_reward([said, as_message, as_parts], solutions, [task] * 3)
    assert found == pytest.approx([1.0] * 3)


@pytest.mark.parametrize("task", sorted(TRUTHS))
@pytest.mark.parametrize(
    "said", ["", "   ", "I cannot tell.", "42 dogs", "<think>hook", "<answer></answer>", "]]]{{{", "🦊" * 99]
)
def test_garbage_has_0(task: str, said: str) -> None:
    truth = {
        "instrument_recognition": of_labels(["hook"]),
        "phase_recognition": Answer("preparation", labels=("preparation",)),
        "instrument_localization": of_boxes([AnswerBox("hook", 0.1, 0.1, 0.2, 0.2)]),
        "triplet_recognition": Answer("", triplets=(TRIPLETS[0],)),
        "safety_assessment": of_criteria(dict.fromkeys(CRITERIA, True)),
        "action_remaining_prediction": Answer("10 seconds", seconds=10.0),
    }[task]
    assert answer_reward([said], [truth], [task]) == [0.0]


@given(said=st.text(max_size=200), level=st.none() | st.integers(0, 3))
def test_no_completion_raises_and_all_is_within_0_and_1(said: str, level: int | None) -> None:
    truth = of_labels(["hook"])
    (answer,) = answer_reward([said], [truth], ["instrument_recognition"])
    (trace,) = trace_reward([said], [level])
    assert 0 <= answer <= 1 and 0 <= trace <= 1


@given(truth=some(INSTRUMENTS), found=some(INSTRUMENTS), extra=st.sampled_from(INSTRUMENTS))
def test_a_right_label_more_is_better_and_a_wrong_one_worse(truth: list[str], found: list[str], extra: str) -> None:
    before, after = (
        score("instrument_recognition", of_labels(f), of_labels(truth)) for f in (found, [*{*found, extra}])
    )
    if extra not in found and truth:
        assert (after > before) if extra in truth else (after <= before)


@given(truth=st.lists(boxes(), min_size=1, max_size=3), steps=st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_boxes_nearer_to_the_truth_have_more(truth: list[AnswerBox], steps: list[float]) -> None:
    near, far = sorted(steps)

    def shrunk(by: float) -> Answer:  # towards the top left corner: each box lies within the true one
        return of_boxes(
            [AnswerBox(b.label, b.x1, b.y1, b.x2 - by * (b.x2 - b.x1), b.y2 - by * (b.y2 - b.y1)) for b in truth]
        )

    scores = [score("instrument_localization", shrunk(by), of_boxes(truth)) for by in (0.0, near, far)]
    assert scores[0] == pytest.approx(1.0)
    assert scores[0] >= scores[1] - 1e-9 and scores[1] >= scores[2] - 1e-2  # corners are rounded to three decimals


@given(truth=st.floats(0, 3600), errors=st.lists(st.floats(0, 7200), min_size=2, max_size=2))
def test_seconds_nearer_to_the_truth_have_more(truth: float, errors: list[float]) -> None:
    near, far = (
        score("action_remaining_prediction", Answer("", seconds=truth + e), Answer("", seconds=truth))
        for e in sorted(errors)
    )
    assert near >= far


@pytest.mark.parametrize(
    ("truth", "said", "expected"),
    [(10.0, 11.0, 1.0), (10.0, 16.0, 0.5), (10.0, 21.0, 0.0), (2.0, 2.5, 1.0), (0.0, 1.0, 0.5), (0.0, 2.0, 0.0)],
)
def test_seconds_by_hand(truth: float, said: float, expected: float) -> None:
    assert score("action_remaining_prediction", Answer("", seconds=said), Answer("", seconds=truth)) == expected


def test_others_by_hand() -> None:
    truth = of_boxes([AnswerBox("hook", 0, 0, 0.5, 0.5), AnswerBox("grasper", 0.5, 0.5, 1, 1)])
    said = "hook [0, 0, 0.5, 0.25]; grasper [0, 0, 0.5, 0.5]"  # half of the one, nothing of the other
    assert answer_reward([said], [truth], ["instrument_localization"]) == [pytest.approx(2 * 0.5 / 4)]
    only = of_boxes([AnswerBox("hook", 0, 0, 0.5, 0.5)])
    assert answer_reward(["[0, 0, 0.5, 0.5]"], [only], ["instrument_localization"]) == [1.0]
    assert answer_reward(["[0, 0, 0.5, 0.5]"], [truth], ["instrument_localization"]) == [0.0]
    pixels = answer_reward(
        ["hook [0, 0, 32, 24]"], [only], ["instrument_localization"], size=[(64, 48)], space=["pixel"]
    )
    assert pixels == [1.0]
    met = of_criteria({"two_structures": True, "hepatocystic_triangle": False, "cystic_plate": False})
    assert answer_reward(["Yes, Yes, No"], [met], ["safety_assessment"]) == [pytest.approx(2 / 3)]
    assert score("triplet_recognition", Answer("", triplets=(*TRIPLETS[:2],)), Answer("", triplets=(TRIPLETS[0],))) == (
        pytest.approx(2 / 3)
    )


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=4))
def test_pairs_are_the_best_there_are(values: list[list[float]]) -> None:
    rows, columns = len(values), 3
    if rows <= columns:
        tried = [sum(values[r][c] for r, c in enumerate(p)) for p in itertools.permutations(range(columns), rows)]
    else:
        tried = [sum(values[r][c] for c, r in enumerate(p)) for p in itertools.permutations(range(rows), columns)]
    assert math.isclose(best_total(values), max(tried), abs_tol=1e-9)


@given(boxes(), boxes())
def test_iou_is_symmetric_and_1_for_itself(a: AnswerBox, b: AnswerBox) -> None:
    assert iou(a, b) == pytest.approx(iou(b, a)) and iou(a, a) == pytest.approx(1.0) and 0 <= iou(a, b) <= 1


LEVELS = (Reasoning(), Reasoning(1, "A hook."), Reasoning(2, "A hook.", "It cuts."), Reasoning(3, "A.", "B.", "C."))


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("preamble", [True, False])
def test_our_own_traces_have_1(level: int, preamble: bool) -> None:
    said = write_trace(LEVELS[level], "hook", preamble=preamble)
    assert trace_reward([said], [level]) == [1.0]
    assert trace_reward([said]) == [1.0 if level else 0.75]
    assert trace_reward([said], [(level + 1) % 4]) == [0.75]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("<think>Level 1: A.\nLevel 2: B.</think><answer>hook</answer>", 1.0),
        ("<think>Level 2: B.\nLevel 1: A.</think><answer>hook</answer>", 0.75),
        ("<think>Level 1: A.\nLevel 3: C.</think><answer>hook</answer>", 0.75),
        ("<think>Level 1: A.</think> so <answer>hook</answer>", 0.75),
        ("So: <think>Level 1: A.</think><answer>hook</answer>", 0.25),
        ("<think>Level 1: A.</think>hook", 0.5),
        ("<think>Level 1: A.</think><answer> </answer>", 0.5),
        ("<think>A hook.</think><answer>hook</answer>", 0.75),
        ("<think>Level 1: A.<answer>hook</answer>", 0.25),
        ("<answer>hook</answer><answer>hook</answer>", 0.0),
        ("<answer>hook", 0.0),
        ("hook", 0.0),
        ("", 0.0),
    ],
)
def test_forms_by_hand(said: str, expected: float) -> None:
    assert trace_reward([said]) == [expected]


def test_every_task_has_a_rule_or_a_clear_refusal() -> None:
    assert {*TRUTHS} <= {*verifiable_tasks()}
    for task in {*all_tasks()} - {*verifiable_tasks()}:
        with pytest.raises(SurgSigmaError, match="cannot be scored"):
            answer_reward(["a hook"], [Answer("a hook")], [task])
    assert {str(get_task(t).answer) for t in verifiable_tasks()} == {
        "label",
        "labels",
        "boxes",
        "triplets",
        "criteria",
        "seconds",
    }


def test_wrong_columns_are_errors() -> None:
    with pytest.raises(SurgSigmaError, match="2 completions, but 1 values in column 'task'"):
        answer_reward(["hook", "hook"], ["hook", "hook"], ["instrument_recognition"])
    with pytest.raises(SurgSigmaError, match="reasoning_level"):
        trace_reward(["hook"], [])
    with pytest.raises(UnknownNameError, match="instrument_recognition"):
        answer_reward(["hook"], ["hook"], ["instrument_recogniton"])
    with pytest.raises(BadAnswerError):
        read_solution("instrument_recognition", "no idea")
    with pytest.raises(SurgSigmaError, match="form of an answer"):
        read_solution("instrument_recognition", {"labels": ["hook"]})


def test_a_letter_is_rewarded_beside_its_question() -> None:
    asked = "Which phase is it?\nA. preparation\nB. gallbladder dissection\nLetter only."
    prompts = [[{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": asked}]}]] * 2
    solutions = ["gallbladder dissection"] * 2
    assert answer_reward(["B", "A"], solutions, ["phase_recognition"] * 2, prompts=prompts) == [1.0, 0.0]
    assert answer_reward(["B", "A"], solutions, ["phase_recognition"] * 2) == [0.0, 0.0]


def test_an_example_of_a_right_label_counts_as_it_where_the_source_is_coarser() -> None:
    """Stomach and colon are labels of some sources; others have the bowel alone, and an answer to them is right."""
    coarse, fine = (Answer("", labels=labels) for labels in (("liver", "gut"), ("liver", "colon")))
    parsed = get_task("tissue_recognition").parse("liver, stomach")
    assert parsed.labels == ("liver", "stomach")
    assert score("tissue_recognition", parsed, coarse) == 1.0
    assert score("tissue_recognition", parsed, fine) == 0.5, "the stomach is no colon"
    assert score("tissue_recognition", coarse, fine) == 0.5, "nor is it enough to say bowel where the colon is meant"
    told = Answer("", boxes=(AnswerBox("stomach", 0, 0, 1, 1),))
    assert score("tissue_localization", told, Answer("", boxes=(AnswerBox("gut", 0, 0, 1, 1),))) == 1.0
