"""What a user states of footage: of videos that are there, in numbers that are numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from surgsigma_hub.cli import main

from footage_files import cataract101_labels


def build(root: Path, out: Path, option: str) -> int:
    return main(["build", "cataract101", "--root", str(root), "--out", str(out), "--option", option])


@pytest.mark.parametrize(
    "option", ["starts_at=case_296:4", "video_fps=30,case_296:25", "starts_at=case_269:1, case_1:2"]
)
def test_a_misspelt_video_is_named_with_those_that_are_there(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cataract101_labels(tmp_path / "root", 269, 1000)
    assert build(tmp_path / "root", tmp_path / "out", option) == 2
    told = capsys.readouterr().err
    assert "unknown video 'case_" in told and "Known: case_269." in told
    assert not list(tmp_path.glob("out/data/**/*.tar"))


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "case_269:nan"])
def test_a_start_that_is_no_second_is_refused(value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cataract101_labels(tmp_path / "root", 269, 1000)
    assert build(tmp_path / "root", tmp_path / "out", f"starts_at={value}") == 2
    assert "expected one number" in capsys.readouterr().err
