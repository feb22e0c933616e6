"""Every answer that this package words reads back as the typed answer; nothing else than an answer or one error."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from surgsigma_hub.errors import BadAnswerError, SurgSigmaError
from surgsigma_hub.ontology import concept, concepts
from surgsigma_hub.records import Answer, AnswerBox, AnswerTriplet
from surgsigma_hub.tasks import AnswerKind, Draft
from surgsigma_hub.tasks.common.answers import boxes_text
from surgsigma_hub.tasks.common.wording import bank, filled, seconds_text, word
from surgsigma_hub.tasks.reading import Seconds

import wording_cases
from task_frames import EMPTY, FULL, TASKS

FREE_TEXT = {AnswerKind.TEXT, AnswerKind.DEPTH, AnswerKind.IMAGE, AnswerKind.VIDEO}
MANY = 12_000
"""Texts of a task that are tried; a longer list is thinned out evenly."""


def _core(answer: Answer) -> tuple[object, ...]:
    """All that a text can carry: no raters' scores, and boxes to three decimals."""
    boxes = [(b.label, *(round(n, 3) for n in (b.x1, b.y1, b.x2, b.y2))) for b in answer.boxes]
    verdicts = [(c.criterion, c.met) for c in answer.criteria]
    return answer.labels, answer.triplets, boxes, verdicts, answer.seconds


def _worded(name: str, every: int | None = None) -> Iterator[tuple[str, Draft, str | None]]:
    """Every answer template with every set of slots beside a question that it answers, and the plain text.

    Args:
        every: How many to step on each time; None: so many that about :data:`MANY` are left.
    """
    ways: list[tuple[str | None, Draft, wording_cases.Asked, int | None]] = []
    for n, (draft, one) in enumerate(wording_cases.asked(name)):
        answers = bank(name).answers[one.answer]
        # Of many drafts each takes a few answers, a different few than its neighbours.
        few = answers if n < 400 else [answers[(n * 3 + k) % len(answers)] for k in range(3)]
        ways += [(template, draft, one, n) for template in ([None] if one.form else few)]
        if not one.form and one.question == draft.question:
            ways.append((None, draft, one, None))
    seen: set[tuple[str, int]] = set()
    for template, draft, one, n in ways[:: every or 1 + len(ways) // MANY]:  # filled in when they are chosen
        text = filled(template, one.slots) if template else draft.answer.text if n is None else one.formed
        if (text, id(draft)) not in seen:
            seen.add((text, id(draft)))
            lines = bank(name).questions[one.question]
            yield text, draft, None if n is None else filled(lines[n % len(lines)], one.slots)


def _check(name: str, text: str, draft: Draft, question: str | None = None) -> None:
    read = TASKS[name].parse(text, question=question)
    if TASKS[name].answer in FREE_TEXT:
        assert read == Answer(text=text)
    elif name == "instrument_segmentation" and draft.question == "all" and not read.labels:
        assert read.text in ("mask of all instruments", "no instrument in view"), text  # the labels are in the mask
        assert (read.text == "no instrument in view") == (draft.answer_group == "none"), text
    else:
        assert _core(read) == _core(draft.answer), (question, text)
        assert read.text == draft.answer.text, (question, text)


@pytest.mark.parametrize("name", TASKS)
def test_every_wording_reads_back(name: str) -> None:
    worded = list(_worded(name))
    assert len(worded) > 8
    for text, draft, question in worded:
        _check(name, text, draft, question)


@pytest.mark.parametrize("name", TASKS)
def test_composed_texts_read_back(name: str) -> None:
    draft_of = TASKS[name].draft
    for draft in (*draft_of(FULL), *draft_of(EMPTY)) if draft_of else ():
        slots = {**wording_cases.common(name, draft), **draft.slots}
        for n in range(40):
            asked, text, _ = word(name, f"id-{n}", question=draft.question, answer=draft.answer_group, slots=slots)
            for printed in (text, f"<think>Level 1: a hook.</think>\n\n<answer>{text}</answer>", f"**{text}**"):
                if TASKS[name].answer not in FREE_TEXT:
                    _check(name, printed if printed == text else printed.replace("\n", " "), draft, asked)


def test_a_letter_and_a_bare_yes_are_read_beside_their_question() -> None:
    choice = "Which phase is it?\nA. preparation\nB. gallbladder dissection\nLetter only."
    parse = TASKS["phase_recognition"].parse
    for text in ("B", "(B)", "B.", "The answer is B", "<answer>b</answer>", "Option B", "B. gallbladder dissection"):
        assert parse(text, question=choice).labels == ("gallbladder_dissection",), text
    with pytest.raises(BadAnswerError):
        parse("C", question=choice)
    with pytest.raises(BadAnswerError):
        parse("B")
    several = "Which of these are in view?\nA. hook\nB. grasper\nC. scissors"
    parse = TASKS["instrument_recognition"].parse
    assert parse("A, C", question=several).labels == ("hook", "scissors")
    assert parse("none", question=several).labels == ()
    assert parse("Yes.", question="Is a hook in view?").labels == ("hook",)
    assert parse("No.", question="Is a hook in view?").labels == ()
    assert parse("No, there is no hook.", question="Is a hook in view?").labels == ()
    assert TASKS["instrument_localization"].parse("No.", question="Is a hook in view? If so, box it.").boxes == ()
    read = TASKS["triplet_recognition"].parse("Yes", question="Is the hook dissecting the cystic duct?")
    assert read.triplets == (AnswerTriplet("hook", "dissect", "cystic_duct"),)
    read = TASKS["safety_assessment"].parse("No.", question="Is the cystic plate exposed?")
    assert [(c.criterion, c.met) for c in read.criteria] == [("cystic_plate", False)]


@pytest.mark.parametrize("name", TASKS)
def test_the_plain_text_is_a_fixed_point(name: str) -> None:
    """What a parser returns as text reads as the same answer again."""
    for text, _, question in _worded(name, 97):
        first = TASKS[name].parse(text, question=question)
        again = TASKS[name].parse(first.text)
        assert (_core(again), again.text) == (_core(first), first.text), text


def test_names_of_one_kind_do_not_read_alike() -> None:
    """A display name and an id belong to one label, whatever the vocabularies grow to."""
    for kind, task in (
        ("phase", "phase_recognition"),
        ("step", "step_recognition"),
        ("action", "next_action_planning"),
    ):
        for id, found in concepts(kind).items():  # type: ignore[arg-type]
            for text in () if id == "null" else (found.name, id, found.name.upper(), found.name.title(), f"The {id}."):
                assert TASKS[task].parse(text).labels == (id,), text


def test_parsers_are_alike() -> None:
    for name, task in TASKS.items():
        assert pickle.loads(pickle.dumps(task.parse)) == task.parse, "a task goes to worker processes"
        module = __import__(f"surgsigma_hub.tasks.{name}", fromlist=["parse"])
        assert module.parse is task.parse


# -------------------------------------------------------------------------------------------------- random texts

_WORDS = (
    "grasper hook clip applier no not none , . ; : ( ) [ ] { } < > 0.1 0.5 1 12 640 -3 nan 1e9 yes met criterion "
    "seconds minutes between and or ten 0:10 <answer> </answer> <think> </think> <box> ``` Answer: preparation "
    'gallbladder dissection cystic duct dissect retract null two structures bbox_2d " \\ label target.png \u0301'
)
_BITS = st.sampled_from(_WORDS.split())
_TEXTS = st.one_of(st.text(max_size=80), st.lists(_BITS, max_size=25).map(" ".join), st.lists(_BITS).map("".join))


@pytest.mark.parametrize("name", TASKS)
@given(text=_TEXTS, size=st.none() | st.tuples(st.integers(1, 4000), st.integers(1, 4000)))
@settings(max_examples=50)
def test_any_text_is_an_answer_or_one_error(name: str, text: str, size: tuple[int, int] | None) -> None:
    try:
        read = TASKS[name].parse(text, size=size)
    except BadAnswerError as error:
        assert len(error.message) < 400
        return
    assert read.text.strip()
    assert all(0 <= n <= 1 for b in read.boxes for n in (b.x1, b.y1, b.x2, b.y2))
    assert read.seconds is None or 0 <= read.seconds <= 86_400


_REPEATED = (
    "( [ { < level <answer> <think> </think> </answer> 1 - ' hook hook, no not_any criterion yes grasper_retract 1, "
    '[1, {"a": nan, x1= ** ``` answer: \\boxed{ hook_or_ in_this_phase_ after_ ten_ 1: two_structures_ <| é '
    "\u0301 n't all_criteria_ dissect_gallbladder_ a- preparation,_in_which_ 𝔸 _ without_any_"
)
_LONG = [
    f"no hook{', hook' * 1200} or hook",
    f"{'hook, ' * 1200}hook are not visible",
    f"{'in this phase ' * 500}preparation, gallbladder dissection",
    f"{'[' * 3000}1, 2, 3, 4{']' * 3000}",
    f"[{{{'1' * 5000}: 2}}]",
    "hook [" + "0" * 5000 + ".5, 1, 1, 1]",
    '[{"bbox": [1, 2, 1e400, 4], "label": "hook"}, {"bbox": [1, 2, ' + "9" * 4000 + ', 4], "label": "hook"}]',
]
ONE_OF_EACH = sorted({type(task.parse): name for name, task in TASKS.items()}.values())


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_hostile_texts_take_no_time(name: str) -> None:
    parse = TASKS[name].parse
    parse_or_none(parse, "warm up")
    repeated = [(bit.replace("_", " ") or "\n") * 100_001 for bit in _REPEATED.split()]
    texts = [long[:length] for long in repeated for length in (7_900, 99_000)] + _LONG
    for text in texts:
        start = time.process_time()
        parse_or_none(parse, f"<think>{text[:90_000]}</think>{text}")
        assert time.process_time() - start < 1.0, text[:20]
    assert parse_or_none(parse, "hook " * 20_001) is None, "absurdly long"


def parse_or_none(parse: object, text: str) -> Answer | None:
    try:
        return parse(text)  # type: ignore[operator, no-any-return]
    except BadAnswerError:
        return None


# --------------------------------------------------------------------------------------------- boxes and seconds

_CORNER = st.tuples(st.integers(0, 997), st.integers(0, 997), st.integers(2, 1000), st.integers(2, 1000)).map(
    lambda c: (c[0], c[1], max(c[0] + 2, c[2]), max(c[1] + 2, c[3]))
)
_NAMES = st.sampled_from(list(concepts("instrument")))


@given(st.lists(st.tuples(_NAMES, _CORNER), min_size=1, max_size=6), st.sampled_from([(1000, 1000), (854, 480)]))
def test_boxes_read_back_in_three_spaces(boxes: list[tuple[str, tuple[int, ...]]], size: tuple[int, int]) -> None:
    parse = TASKS["instrument_localization"].parse
    names = [concept("instrument", id).name for id, _ in boxes]
    want = [AnswerBox(id, *(n / 1000 for n in corners)) for id, corners in boxes]
    assert list(parse(boxes_text("instrument", want)).boxes) == want
    thousand = " ".join(f"{n} ({c[0]},{c[1]}),({c[2]},{c[3]})" for n, (_, c) in zip(names, boxes, strict=True))
    assert list(parse(thousand, space="thousand").boxes) == want
    scale = (size[0] / 1000, size[1] / 1000) * 2
    pixels = [[n * s for n, s in zip(c, scale, strict=True)] for _, c in boxes]
    listed = ", ".join(
        f'{{"bbox_2d": [{", ".join(f"{p:.3f}" for p in row)}], "label": "{n}"}}'
        for n, row in zip(names, pixels, strict=True)
    )
    read = parse(f"```json\n[{listed}]\n```", size=size, space="pixel").boxes
    assert [b.label for b in read] == [id for id, _ in boxes]
    for box, expected in zip(read, want, strict=True):
        assert (box.x1, box.y1, box.x2, box.y2) == pytest.approx(
            (expected.x1, expected.y1, expected.x2, expected.y2), abs=1e-5
        )


def test_pixels_need_a_size() -> None:
    with pytest.raises(SurgSigmaError, match="size of the image"):
        TASKS["instrument_localization"].parse("hook [1, 2, 3, 4]", space="pixel")
    with pytest.raises(SurgSigmaError, match="cannot have the size"):
        TASKS["instrument_localization"].parse("hook [1, 2, 3, 4]", size=(0, 5))
    with pytest.raises(BadAnswerError, match="need the size"):
        TASKS["instrument_localization"].parse("hook [1, 2, 1800, 4]")


@given(st.integers(0, 8_640_000))
def test_seconds_read_back(hundredths: int) -> None:
    text = seconds_text(hundredths / 100)
    assert Seconds()(text) == Answer(text=text, seconds=hundredths / 100)
    assert Seconds()(f"About {text} remain.").seconds == hundredths / 100
