"""A short run of every fuzz target, always with the same inputs; ``python -m hostile`` runs longer ones."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from .fuzz import Target, run, targets
from .guard import Sandbox, tried

INPUTS = int(os.environ.get("SURGSIGMA_FUZZ_INPUTS", "10"))
TARGETS = targets()


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_generated_inputs_are_taken_or_refused(target: Target, tmp_path: Path) -> None:
    tally: Counter[str] = Counter()
    count = max(2, INPUTS // 5) if target.costly else INPUTS
    run(target, Sandbox(tmp_path / "box").make(), tally, examples=count)
    assert tally.total() >= count


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_what_is_mutated_was_good(target: Target, tmp_path: Path) -> None:
    box = Sandbox(tmp_path / "box").make()
    outcome = tried(target.read, target.place(box, target.honest()), box)
    assert outcome.verdict != "refused", outcome
