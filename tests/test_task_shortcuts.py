"""The words of a question do not tell its answer: a reader that sees no picture does no better than a blind guess.

The reader is that of ``blind_reader``, trained on half of the synthetic operations and tested on the other half.
Wordings are drawn from the sample's id. Each group of questions is looked at by itself.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType

import pytest
from surgsigma_hub.building.rehearse import rehearse
from surgsigma_hub.media.boxes import region_words
from surgsigma_hub.records import Box, Sample
from surgsigma_hub.registry import get_source
from surgsigma_hub.shards.answer_statistics import size_word
from surgsigma_hub.source import parse_options
from surgsigma_hub.tasks import Draft
from surgsigma_hub.tasks.common.wording import bank, filled, slots_of

from blind_reader import Read, frequent, leaks
from task_frames import TASKS

VIDEOS = 24
DRAWN = {"videos": str(VIDEOS), "frames": "40", "width": "64", "height": "48"}
# --------------------------------------------------------------------------------------- what must not be told, by task

Told = Callable[[Sample, Draft], str | None]


def _labels(sample: Sample, draft: Draft) -> str:
    return ", ".join(sample.answer.labels) or "none"


def _triplets(sample: Sample, draft: Draft) -> str:
    return "; ".join(f"{t.instrument} {t.action} {t.target}" for t in sample.answer.triplets) or "none"


def _verdicts(sample: Sample, draft: Draft) -> str:
    return "; ".join(f"{c.criterion} {c.met}" for c in sample.answer.criteria)


def _box_labels(sample: Sample, draft: Draft) -> str:
    return ", ".join(sorted(b.label for b in sample.answer.boxes)) or "none"


def _region(sample: Sample, draft: Draft) -> str:
    (box,) = sample.answer.boxes
    return region_words(Box(box.x1, box.y1, box.x2, box.y2))


def _size(sample: Sample, draft: Draft) -> str:
    (box,) = sample.answer.boxes
    return size_word({"x1": box.x1, "y1": box.y1, "x2": box.x2, "y2": box.y2})


def _duration(sample: Sample, draft: Draft) -> str:
    assert sample.answer.seconds is not None
    return "short" if sample.answer.seconds < 2 else "long"


def _first_native(sample: Sample, draft: Draft) -> str:
    return sample.native.labels[0]


def _yes(sample: Sample, draft: Draft) -> str:
    answer = sample.answer
    return str(bool(answer.labels or answer.boxes or answer.triplets))


def _met(sample: Sample, draft: Draft) -> str:
    return str(sample.answer.criteria[0].met)


def _as_asked(sample: Sample, draft: Draft) -> str:
    assert sample.provenance.template is not None
    return sample.provenance.template.partition("+")[2].split("/")[0]


def _named_first(sample: Sample, draft: Draft) -> str:
    right = draft.slots.get("right") or draft.slots["thing"]
    return str(right.endswith(draft.slots["first"]))


MUST_NOT_TELL: dict[tuple[str, str], Told] = {
    ("action_recognition", "default"): _labels,
    ("action_recognition", "clip"): _labels,
    ("action_recognition", "existence"): _yes,
    ("action_remaining_prediction", "default"): _duration,
    ("image_captioning", "default"): _first_native,
    ("instrument_localization", "all"): _box_labels,
    ("instrument_localization", "by_name"): _region,
    ("instrument_localization", "by_region"): _size,
    ("instrument_localization", "existence"): _yes,
    ("instrument_localization", "place"): _named_first,
    ("instrument_localization", "count"): _box_labels,
    ("instrument_recognition", "default"): _labels,
    ("instrument_recognition", "choice"): _labels,
    ("instrument_recognition", "count"): _labels,
    ("instrument_recognition", "existence"): _yes,
    ("instrument_segmentation", "all"): _labels,
    ("next_action_planning", "default"): _labels,
    ("phase_recognition", "default"): _labels,
    ("phase_recognition", "clip"): _labels,
    ("phase_recognition", "choice"): _labels,
    ("phase_recognition", "check"): _as_asked,
    ("safety_assessment", "default"): _verdicts,
    ("safety_assessment", "check_criterion"): _met,
    ("step_recognition", "default"): _labels,
    ("step_recognition", "clip"): _labels,
    ("step_recognition", "choice"): _labels,
    ("step_recognition", "check"): _as_asked,
    ("step_recognition", "context"): _labels,
    ("tissue_localization", "all"): _box_labels,
    ("tissue_localization", "by_name"): _region,
    ("tissue_localization", "existence"): _yes,
    ("tissue_localization", "place"): _named_first,
    ("tissue_recognition", "default"): _labels,
    ("tissue_recognition", "existence"): _yes,
    ("triplet_recognition", "default"): _triplets,
    ("triplet_recognition", "existence"): _yes,
    ("triplet_recognition", "one_instrument"): _triplets,
    ("triplet_recognition", "one_target"): _triplets,
    ("video_captioning", "default"): _first_native,
}
"""By task and question group: what the wording must not tell. What fills its slots is hidden: it may, on purpose."""

NOTHING_TO_TELL = {
    ("depth_estimation", "default"): "the answer is a medium",
    ("desmoking", "default"): "the answer is a medium",
    ("instrument_segmentation", "by_name"): "the answer is a medium, and its label is named",
    ("instrument_segmentation", "by_part"): "the answer is a medium, and its part is named",
    **dict.fromkeys(
        (
            ("action_recognition", "choice"),
            ("action_recognition", "count"),
            ("action_recognition", "context"),
            ("action_recognition", "context_clip"),
            ("action_recognition", "order_first"),
            ("action_recognition", "order_last"),
            ("action_remaining_prediction", "choice"),
            ("instrument_localization", "place_contact"),
            ("instrument_localization", "place_size"),
            ("next_action_planning", "choice"),
            ("next_action_planning", "context"),
            ("phase_recognition", "context"),
            ("phase_recognition", "context_clip"),
            ("safety_assessment", "count"),
            ("step_recognition", "context_clip"),
            ("tissue_localization", "count"),
            ("tissue_localization", "place_size"),
            ("tissue_recognition", "choice"),
            ("tissue_recognition", "count"),
            ("triplet_recognition", "choice"),
            ("triplet_recognition", "context"),
        ),
        "asked too rarely to find a leak in; the wording is drawn as that of the groups above",
    ),
    **dict.fromkeys(
        (
            ("action_recognition", "done_by"),
            ("tissue_recognition", "acted_on"),
            ("tissue_recognition", "acted_on_by"),
            ("triplet_recognition", "done_by"),
        ),
        "asked where a source lists less than all that is in view, and the drawn one lists all",
    ),
    ("tissue_localization", "by_region"): "no synthetic picture shows two tissues of one class",
    ("next_frame_generation", "default"): "the answer is a medium, and the question is its description",
    ("video_generation", "from_text"): "the answer is a medium, and the question is its description",
    ("video_generation", "from_picture"): "the answer is a medium, and the question is its description",
}


def question_words(sample: Sample, shown: Mapping[str, str] = MappingProxyType({})) -> frozenset[str]:
    """The words of the template of the question, but for what fills its slots, unless it is ``shown``."""
    assert sample.provenance.template is not None
    task, group, number = sample.provenance.template.partition("+")[0].split("/")
    template = bank(task).questions[group][int(number)]
    slots = {slot: f"({slot.lower()})" for slot in slots_of(template)}
    asked = sample.messages[0].content.rpartition(">\n")[2]
    fixed = [re.escape(part) for part in re.split(r"\{\w+\}", template)]
    assert re.match("(?s)" + "(.*?)".join(fixed), asked, re.IGNORECASE), "not the question asked"
    return frozenset(re.findall(r"\w+|[^\w\s]", filled(template, {**slots, **shown}).lower()))


def group_of(sample: Sample) -> str:
    """The question group that the sample took: another than that of its draft where it is asked in another way."""
    assert sample.provenance.template is not None
    return sample.provenance.template.split("/")[1]


@cache
def everything() -> dict[tuple[str, str], list[Read]]:
    """What there is to read, by task and question group."""
    kind = get_source("synthetic")
    source = kind(options=parse_options(kind, DRAWN))
    found: dict[tuple[str, str], list[Read]] = defaultdict(list)
    for number, video in enumerate(source.videos()):
        # Tissues are asked for one by one, nine in a picture: a third of the operations tells enough of them.
        tasks = [t for t in TASKS.values() if t.name != "tissue_localization" or number < VIDEOS / 3]
        for task, draft, sample in rehearse(source, video, tasks):
            key = task.name, group_of(sample)
            if key in MUST_NOT_TELL:
                told = MUST_NOT_TELL[key](sample, draft) or "none"
                found[key].append(Read(sample.id, number % 2, question_words(sample), told))
    return dict(found)


# -------------------------------------------------------------------------------------------------------- the tests


def test_every_question_group_of_every_task_is_looked_at() -> None:
    groups = {(name, group) for name in TASKS for group in bank(name).questions}
    listed = MUST_NOT_TELL.keys() | NOTHING_TO_TELL.keys()
    assert groups == listed, "say in MUST_NOT_TELL what the question must not tell, or in NOTHING_TO_TELL why not"
    drawn = {key for key, samples in everything().items() if samples}
    assert drawn >= MUST_NOT_TELL.keys(), "the synthetic operations ask nothing of this group"


@pytest.mark.parametrize("key", sorted(MUST_NOT_TELL), ids="-".join)
def test_the_words_do_not_tell_the_answer(key: tuple[str, str]) -> None:
    samples = everything()[key]
    assert len({s.answer for s in samples}) > 1 and len(samples) >= 60, "too little to find a leak in"
    assert not leaks(samples), f"{key[0]}, questions {key[1]}: the words tell more than chance"


# ------------------------------------------------------------------------------------- that the test can find a leak


def _with_word(samples: Sequence[Read], when: Callable[[Read], bool], share: float) -> list[Read]:
    """A share of the samples asked with a word more, where ``when`` says so."""
    rng = random.Random(5)
    draws = [rng.random() < share for _ in samples]
    return [
        Read(s.id, s.half, s.words | {"leaky"} if when(s) and drawn else s.words, s.answer)
        for s, drawn in zip(samples, draws, strict=True)
    ]


def _rarest(samples: Sequence[Read]) -> str:
    """The answer that hides a leak best."""
    return Counter(s.answer for s in frequent(samples)).most_common()[-1][0]


@pytest.mark.parametrize("name", ["phase_recognition", "step_recognition", "safety_assessment"])
def test_a_leaky_wording_is_found(name: str) -> None:
    samples = everything()[name, "default"]
    for answer in (_rarest(samples), Counter(s.answer for s in samples).most_common(1)[0][0]):
        found = leaks(_with_word(samples, lambda s, leaky=answer: s.answer == leaky, 0.7))  # type: ignore[misc]
        assert any("'leaky'" in what for what in found), "by the one word"
    assert not leaks(_with_word(samples, lambda s: True, 0.5)), "a word that comes by chance is no leak"


def test_the_reader_of_all_words_finds_what_no_word_tells_alone() -> None:
    """Many words, each a little more frequent with one answer."""
    rng = random.Random(3)
    read = []
    for n in range(600):
        answer = rng.choice(["yes", "no"])
        words = [w for w in (f"w{k}" for k in range(60)) if rng.random() < (0.54 if answer == "yes" else 0.46)]
        read.append(Read(f"s{n}", n % 2, frozenset(words), answer))
    found = leaks(read)
    assert "equal chance" in found and not any("word" in what for what in found), found


def test_without_words_nothing_is_found() -> None:
    rng = random.Random(4)
    noise = [f"w{k}" for k in range(40)]
    for _ in range(20):
        read = [Read(f"s{n}", n % 2, frozenset(rng.sample(noise, 8)), rng.choice("aaaaabbc")) for n in range(300)]
        assert not leaks(read)


def test_a_template_used_for_none_alone_is_found() -> None:
    samples = everything()["instrument_recognition", "default"]
    assert "none" in {s.answer for s in frequent(samples)}
    if_any = frozenset(["is", "there", "any", "instrument", "at", "all", "?"])
    asked = [Read(s.id, s.half, if_any if s.answer == "none" else s.words - {"any"}, s.answer) for s in samples]
    assert leaks(asked)


def test_a_name_that_is_not_hidden_is_found() -> None:
    """The hidden slots do tell: with them in sight the reader finds the place of a structure by its name."""
    kind = get_source("synthetic")
    source = kind(options=parse_options(kind, {**DRAWN, "videos": "6"}))
    read = [
        Read(sample.id, number % 2, question_words(sample, draft.slots), _region(sample, draft))
        for number, video in enumerate(source.videos())
        for task, draft, sample in rehearse(source, video, [TASKS["tissue_localization"]])
        if draft.question == "by_name"
    ]
    assert leaks(read)
