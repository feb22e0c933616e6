"""``surgsigma card``: what push and verify send people to when a card is stale."""

from __future__ import annotations

from pathlib import Path

import pytest
from surgsigma_hub.cli import main

from handmade import small_tree


def test_a_stale_card_is_told_and_written_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = small_tree(tmp_path / "surgsigma")
    assert main(["card", str(tree)]) == 0 and main(["card", str(tree), "--check"]) == 0
    page = tree / "cards" / "synthetic.md"
    kept = page.read_bytes()
    page.write_bytes(kept + b" ")
    capsys.readouterr()
    assert main(["card", str(tree), "--check"]) == 1 and page.read_bytes() != kept
    assert "stale: cards/synthetic.md" in capsys.readouterr().out
    assert main(["card", str(tree)]) == 0 and page.read_bytes() == kept


def test_a_folder_without_a_tree_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", str(tmp_path), "--check"]) == 2
    assert "surgsigma build --help" in capsys.readouterr().err
