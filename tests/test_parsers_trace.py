from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.trace import answer_of, parse_trace, thought_of
from surgsigma_hub.records import Trace

FULL = """<think>This is a Level 3 task requiring procedural understanding.

Level 1:Looking at the The made-up field, a hook stands at [2, 3, 4, 5].

Level 2: The hook touches the bed (a claim of level 1).

Level 3:  So the phase is dissection.

</think>
<answer>Preparation</answer>"""


def test_published_form() -> None:
    assert parse_trace(FULL, model="someone") == Trace(
        "Looking at the The made-up field, a hook stands at [2, 3, 4, 5].",
        "The hook touches the bed (a claim of level 1).",
        "So the phase is dissection.",
        "someone",
    )
    assert answer_of(FULL) == "Preparation"


@pytest.mark.parametrize(
    "heading",
    [
        "Level 1:",
        "Level 1: ",
        "Level1:",
        "level 1 :",
        "LEVEL 1:\n",
        "**Level 1:** ",
        "**Level 1**: ",
        "### Level 1: ",
        "Level 1 (Perceptual Grounding): ",
        "  Level 1: ",
    ],
)
def test_headings_vary(heading: str) -> None:
    assert parse_trace(f"This is a Level 1 task.\n\n{heading}A hook.") == Trace("A hook.")


def test_tags_may_be_missing_or_open() -> None:
    for text in ("<think>Level 1: A hook.", "Level 1: A hook.</think>", "Level 1: A hook.<answer>x</answer>"):
        assert parse_trace(text) == Trace("A hook.")
    assert parse_trace("<think>Level 1: A hook.<answer>hook") == Trace("A hook.")
    assert answer_of("<answer>hook") == "hook"
    assert answer_of("Level 1: A hook.") is None
    assert thought_of("no tags") == "no tags"


def test_levels_may_be_missing_unordered_repeated_or_empty() -> None:
    assert parse_trace("Level 3: c\nLevel 1: a") == Trace("a", None, "c")
    assert parse_trace("Level 1: a\nLevel 1: b") == Trace("a\n\nb")
    assert parse_trace("Level 1:\nLevel 2: b") == Trace(None, "b")
    assert parse_trace("Level 1:\n\n") is None


def test_headings_inside_a_line_count_only_where_no_line_begins_with_one() -> None:
    assert parse_trace("First. Level 1: a. Level 2: b.") == Trace("a.", "b.")
    assert parse_trace("Level 1: as told in Level 2: b.\nLevel 2: c") == Trace("as told in Level 2: b.", "c")
    assert parse_trace("A sublevel 1: no heading") is None


def test_a_text_without_levels() -> None:
    assert parse_trace("A hook.") is None
    assert parse_trace("A hook. ", unmarked=1) == Trace("A hook.")
    assert parse_trace("<think>  </think>", unmarked=1) is None
    assert parse_trace("Level 2: b", unmarked=1) == Trace(None, "b")


def test_control_tokens_are_refused() -> None:
    with pytest.raises(BadRowError, match="control tokens"):
        parse_trace("Level 1: <|object_ref_start|>hook")


SENTENCE = st.from_regex(r"[A-Za-z][A-Za-z ,.]{0,30}\.", fullmatch=True).filter(lambda s: "level" not in s.lower())


@given(st.dictionaries(st.sampled_from([1, 2, 3]), SENTENCE, min_size=1))
def test_levels_come_back_as_written(levels: dict[int, str]) -> None:
    body = "\n\n".join(f"Level {n}: {text}" for n, text in levels.items())
    assert parse_trace(f"<think>{body}</think>") == Trace(*(levels.get(n) for n in (1, 2, 3)))


@given(st.text(alphabet="Level 123:*#()<>think/answer\n", max_size=80))
def test_any_text_is_read_without_failing(text: str) -> None:
    if "<|" not in text:
        parse_trace(text)


def test_a_hostile_text_takes_no_time() -> None:
    for text in (
        "*" * 20_000,
        "Level 1 (" * 5_000,
        "<think>" * 5_000,
        "level 1 " * 20_000,
        " " * 20_000,
        "\n" * 20_000,
    ):
        parse_trace(text)
