"""Delimited tables: every line is given back once, whole or with what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.delimited import Line, parse_delimited

CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\n;\ufeff"), max_size=6).map(str.strip)


@given(st.lists(st.lists(CELL, min_size=2, max_size=4), max_size=6), st.sampled_from(["\n", "\r\n", "\r"]))
def test_every_line_is_given_back_once(rows: list[list[str]], end: str) -> None:
    lines = parse_delimited(end.join([";".join(r) for r in [["b", "a"], *rows]]), ("a", "b"), delimiter=";")
    assert [line.number for line in lines] == [n for n, r in enumerate(rows, 2) if "".join(r)]
    for line in lines:
        row = rows[line.number - 2]
        assert line.cells == ((row[1], row[0]) if len(row) == 2 else tuple(row))
        assert bool(line.problem) == (len(row) != 2)


def test_headers() -> None:
    text = "\ufeffa;x;b\n1;2;3\n"
    assert parse_delimited(text.lstrip("\ufeff"), ("b", "a"), delimiter=";") == (Line(2, ("3", "1")),)
    assert parse_delimited("1,2\n", ("a", "b"), delimiter=",", header=False) == (Line(1, ("1", "2")),)
    assert parse_delimited("", ("a",), delimiter=";") == ()
    with pytest.raises(BadRowError, match=r"'a;x;c', expected 'a;b'"):
        parse_delimited("a;x;c\n", ("a", "b"), delimiter=";")


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (("1", "-1", "007"), (1, -1, 7)),
        (("1_0",), None),
        (("",), None),
        (("-",), None),
        (("--1",), None),
        (("1.0",), None),
        (("٣",), None),
        (("9" * 13,), None),
        ((), ()),
    ],
)
def test_integers(cells: tuple[str, ...], numbers: tuple[int, ...] | None) -> None:
    assert Line(1, cells).integers() == numbers
    assert Line(1, cells, "broken").integers() is None
