from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.grounding import NOTHING, Grounding, parse_grounding

WORD = st.from_regex(r"[A-Za-z][A-Za-z0-9_/-]{0,9}", fullmatch=True)
NAME = st.builds(lambda first, rest: " ".join([first, *rest]), WORD, st.lists(WORD, max_size=2))
THOUSANDTHS = st.integers(0, 1000)
ITEMS = st.lists(st.builds(Grounding, NAME, THOUSANDTHS, THOUSANDTHS, THOUSANDTHS, THOUSANDTHS), max_size=6)


def printed(items: Iterable[Grounding]) -> str:
    """The inverse of :func:`parse_grounding`."""
    return " ".join(f"{i.name} ({i.x1},{i.y1}),({i.x2},{i.y2})" for i in items) or NOTHING


@given(ITEMS)
def test_print_then_parse_gives_the_same(items: list[Grounding]) -> None:
    assert parse_grounding(printed(items)) == tuple(items)


@given(ITEMS, st.sampled_from(["", " ", "\n", "\t  "]))
def test_blanks_are_free(items: list[Grounding], blank: str) -> None:
    text = printed(items)
    for mark in "(),":
        text = text.replace(mark, f"{blank}{mark}{blank}")
    assert parse_grounding(f"{blank}{text}{blank}") == tuple(items)


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        items = parse_grounding(text)
    except BadRowError:
        return
    assert parse_grounding(printed(items)) == items


@given(ITEMS.filter(bool), st.data())
def test_a_cut_text_reads_only_where_it_is_cut_between_two_items(items: list[Grounding], data: st.DataObject) -> None:
    text = printed(items)
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    whole = {printed(items[:n]): items[:n] for n in range(1, len(items))}
    if cut.rstrip() in whole:
        assert parse_grounding(cut) == tuple(whole[cut.rstrip()])
    else:
        with pytest.raises(BadRowError):
            parse_grounding(cut)


def test_published_forms() -> None:
    assert parse_grounding("grasper(262,0),(473,172)") == (Grounding("grasper", 262, 0, 473, 172),)
    assert parse_grounding("Large  Needle Driver (1,2), (3,4)")[0].name == "Large Needle Driver"
    assert len(parse_grounding("hook (1,2),(3,4)grasper (1,2),(3,4)")) == 2
    assert parse_grounding(" no tools detected. ") == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "hook",
        "(1,2),(3,4)",
        "hook (1,2)",
        "hook (1,2),(3,4) grasper",
        "hook (1,2),(3,4) and more",
        "hook (1.5,2),(3,4)",
        "hook (1,2 is),(3,4)",
        "hook [1,2,3,4]",
        "hook (1,2),(3,4) <|box_end|>",
        "<|object_ref_start|>hook",
        "hook (\u0661,2),(3,4)",
        "hook (1234567,2),(3,4)",
    ],
)
def test_what_does_not_fit_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(BadRowError) as caught:
        parse_grounding(text)
    assert text[:10].strip() in str(caught.value) or not text.isascii()


def test_a_long_text_is_shortened_in_the_error() -> None:
    with pytest.raises(BadRowError) as caught:
        parse_grounding("<|" + "x" * 10_000)
    assert len(str(caught.value)) < 200


def test_a_hostile_text_takes_no_time() -> None:
    for text in ("a" * 200_000, "a " * 100_000, "hook (1,2),(3,4) " * 5_000 + "x", "hook (" + " " * 100_000):
        with pytest.raises(BadRowError):
            parse_grounding(text)


def test_real_labels(real: Path) -> None:
    rows = json.loads((real / "surgsigma" / "surgsigma_questions.excerpt.json").read_text("utf-8"))
    assert len(rows) == 18
    refused = []
    for row in rows:
        try:
            assert len(parse_grounding(row["gt_raw"])) == int(row["answer"]), row
        except BadRowError:
            refused.append(row["gt_raw"])
    assert len(refused) == 9
    assert refused == [r["gt_raw"] for r in rows if "<|" in r["gt_raw"]]
