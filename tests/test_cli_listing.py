"""The commands that list: sources, tasks, vocabularies, and what a tree holds, as text and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import surgsigma_hub.api
from surgsigma_hub.cli import main

from handmade import small_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return small_tree(tmp_path / "surgsigma")


@pytest.mark.parametrize(
    "line", ["sources", "tasks", "tasks --matrix", "info phase_recognition", "ontology --kind phase"]
)
def test_lists_print_and_give_json(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(line.split()) == 0
    assert capsys.readouterr().out.strip()
    assert main([*line.split(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) is not None


def test_tasks_as_json_name_every_task(capsys: pytest.CaptureFixture[str]) -> None:
    main(["tasks", "--json"])
    made = json.loads(capsys.readouterr().out)
    assert [t["name"] for t in made] == list(surgsigma_hub.api.list_tasks())
    phase = next(t for t in made if t["name"] == "phase_recognition")
    assert phase["needs"] == [["phase"], ["footage", "phase_segments"]]


def test_info_of_every_source_and_task_prints(capsys: pytest.CaptureFixture[str]) -> None:
    for name in [*surgsigma_hub.api.list_sources(), *surgsigma_hub.api.list_tasks()]:
        assert main(["info", name]) == 0
        assert name in capsys.readouterr().out
        assert main(["info", name, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["name"] == name


def test_info_of_a_tree(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "reports").mkdir()
    (tree / "reports" / "synthetic.json").write_text('{"quarantined": {"media_missing": 1234}}')
    assert main(["info", str(tree)]) == 0
    shown = capsys.readouterr().out
    assert "Left out of synthetic: media_missing 1,234" in shown
    assert "instrument_segmentation" in shown
    assert main(["info", str(tree), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["samples"] == 15 and made["videos"] == 4 and made["quarantined"]["synthetic"] == {"media_missing": 1234}
    assert {(p["config"], p["split"], p["samples"]) for p in made["parts"]} == {
        ("phase_recognition-synthetic", "train", 6),
        ("phase_recognition-synthetic", "test", 6),
        ("instrument_segmentation-synthetic", "train", 3),
    }


def test_info_of_a_tree_without_a_report(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(tree), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["quarantined"] == {"synthetic": None}
