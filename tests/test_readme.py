"""README.md holds the table of tasks that the code makes. To refresh it: ``python tests/test_readme.py``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import surgsigma_hub.cli.task_table as made_by
from surgsigma_hub.cli import main
from surgsigma_hub.cli.task_table import examples, task_table
from surgsigma_hub.tasks import all_tasks

README = Path(__file__).parent.parent / "README.md"
BETWEEN = re.compile(r"(<!-- tasks -->\n)(.*?)(<!-- /tasks -->)", re.DOTALL)
REFRESH = "README.md does not hold the table of tasks that the code makes; refresh it with: python tests/test_readme.py"


def with_table(text: str) -> str:
    """``text`` with the table of today between its markers."""
    made, count = BETWEEN.subn(lambda found: f"{found[1]}{task_table()}\n{found[3]}", text)
    assert count == 1, "README.md needs the markers <!-- tasks --> and <!-- /tasks -->, once"
    return made


def test_the_readme_holds_the_table_of_today() -> None:
    text = README.read_text("utf-8")
    assert with_table(text) == text, REFRESH


def test_another_table_is_noticed() -> None:
    text = README.read_text("utf-8")
    assert with_table(text.replace("| `depth_estimation` |", "| `depth` |")) == with_table(text)
    assert text.replace("| `depth_estimation` |", "| `depth` |") != text


def test_every_task_has_its_line_and_every_working_one_its_example() -> None:
    lines = task_table().splitlines()
    assert len(lines) == 2 + len(all_tasks())
    found = examples()
    for (name, task), line in zip(all_tasks().items(), lines[2:], strict=True):
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        assert len(cells) == 5 and cells[0] == f"`{name}`" and cells[2] == task.answer.value
        assert bool(cells[4]) == task.working == (name in found)
        assert " → " in cells[4] or not task.working
        assert "`synthetic`" in cells[3] or not task.working
        assert "<image>" not in line and "<video>" not in line


def test_a_task_without_drafts_has_an_empty_example(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from dataclasses import replace

    planned = {
        name: replace(t, draft=None, draft_course=None) for name, t in all_tasks().items() if name == "desmoking"
    }
    monkeypatch.setattr(made_by, "tasks", lambda: planned)
    assert task_table().splitlines()[2].endswith("|  |")


def test_the_table_repeats_and_is_what_the_command_prints(capsys) -> None:  # type: ignore[no-untyped-def]
    assert main(["tasks", "--markdown"]) == 0
    assert capsys.readouterr().out == f"{task_table()}\n"
    assert main(["tasks", "--markdown", "--json"]) == 2
    assert "not JSON" in capsys.readouterr().err


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
    sys.stdout.write(f"{README.name} is up to date\n")
