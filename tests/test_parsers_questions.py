"""Question files: every line is a question or a defect, tables of all forms read alike, forms are accounted for."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from surgsigma_hub.errors import BadRowError
from surgsigma_hub.parsers.questions import (
    Asked,
    QuestionForms,
    forms,
    parse_question_lines,
    read_question_lines,
    read_question_table,
)
from surgsigma_hub.records import Defect, Reason

ROWS = [("What is it?", "a hook"), ("Is it blue?", "no")]


@given(st.lists(st.lists(st.sampled_from(["what?", "hook", " ", "", "1, 2"]), min_size=1, max_size=5), max_size=6))
def test_every_line_that_is_not_blank_is_given_back_once(rows: list[list[str]]) -> None:
    text = "\r\n".join("|".join(row) for row in rows)
    found = list(parse_question_lines(text, "a.txt", rest=(0, 1)))
    lines = [n for n, row in enumerate(rows, 1) if "|".join(row).strip()]
    assert [f.where for f in found] == ([f"a.txt line {n}" for n in lines] or ["a.txt"])
    for n, one in zip(lines, found if lines else [], strict=True):
        cells = [cell.strip() for cell in rows[n - 1]]
        good = len(cells) in (2, 3) and all(cells[:2])
        assert isinstance(one, Asked) == good
        if isinstance(one, Asked):
            assert [one.question, one.answer, *one.rest] == cells


def test_files_of_other_systems_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for data in ("\ufeffwhat?|hook\r\n\r\n".encode(), "what?|hook\n".encode("utf-16")):
        path.write_bytes(data)
        assert list(read_question_lines(path, "a.txt")) == [Asked("a.txt line 1", "what?", "hook")]
    path.write_bytes(b"what?|h\xff\xfeok\n")
    (defect,) = read_question_lines(path, "a.txt")
    assert isinstance(defect, Defect) and defect.reason is Reason.LABEL_CORRUPT


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "tsv", "parquet"])
def test_tables_of_all_forms_read_alike(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    rows = [{"question": q, "answer": a, "id": n} for n, (q, a) in enumerate(ROWS)]
    match ending:
        case "json":
            path.write_text(json.dumps(rows))
        case "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        case _:
            mark = "\t" if ending == "tsv" else ","
            path.write_text("".join(mark.join(map(str, r)) + "\n" for r in (rows[0], *(r.values() for r in rows))))
    found = list(read_question_table(path, "a", others=("id",)))
    assert [(f.question, f.answer, f.rest) for f in found if isinstance(f, Asked)] == [
        (q, a, (str(n),)) for n, (q, a) in enumerate(ROWS)
    ]


@pytest.mark.parametrize(
    "ending, data, says",
    [
        ("json", b"{}", "not a list of questions"),
        ("json", b"[", "not JSON, or cut short"),
        ("csv", b"a,b\n1,2\n", "no column 'question'; it has a, b"),
        ("parquet", b"PAR1", "parquet that cannot be read"),
        ("xlsx", b"", "a table of questions is .json"),
    ],
)
def test_what_is_no_table_is_refused(ending: str, data: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(data)
    with pytest.raises(BadRowError, match=says):
        list(read_question_table(path, "a"))


def test_a_row_without_text_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"question": "what?"}, 3, {"question": "how many?", "answer": 2}]))
    told = list(read_question_table(path, "a"))
    assert [type(one) for one in told] == [Defect, Defect, Asked] and told[2] == Asked("a row 2", "how many?", "2")


def test_forms_account_for_every_question() -> None:
    sort = QuestionForms(forms(phase="what is the phase[?]"), forms(how_many="how many.*"))
    asked = [Asked(f"a line {n}", q, "x") for n, q in enumerate(["What  is the phase?", *["how many?"] * 2, "why?"])]
    assert [found[0] if (found := sort.read(one)) else None for one in asked] == ["phase", None, None, None]
    assert [(d.reason, d.where, d.moments) for d in sort.defects()] == [
        (Reason.TYPE_UNKNOWN, "a line 3", 1),
        (Reason.QUESTION_UNTYPED, "a line 1", 1),
    ]
    assert sort.defects()[1].detail.startswith("2 questions ask how many")
