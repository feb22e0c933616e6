"""Every row of the table: this reader makes that of this input, and keeps to the rules of ``guard.py``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from . import inputs, native_readers, readers
from .fuzz import targets
from .guard import Sandbox, tried
from .registry import INPUTS, READERS, Row, rows

ROWS = rows()
assert inputs and readers and native_readers  # importing them fills the registry


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_hostile_input_gets_its_verdict(row: Row, tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "box").make()
    outcome = tried(READERS[row.reader], INPUTS[row.input](box), box)
    assert outcome.verdict == row.verdict, outcome
    assert row.says in outcome.said, outcome


def test_every_row_says_what_it_expects_and_stands_once() -> None:
    for row in ROWS:
        assert row.verdict in ("taken", "reported", "refused"), row
        assert (row.verdict == "taken") == (not row.says), f"{row}: a refusal is told by its words"
    twice = [pair for pair, n in Counter((r.input, r.reader) for r in ROWS).items() if n > 1]
    assert not twice


def test_every_input_and_every_reader_is_tried() -> None:
    assert {r.input for r in ROWS} == set(INPUTS)
    assert {r.reader for r in ROWS} | {target.name.partition(": ")[2] for target in targets()} >= set(READERS)
