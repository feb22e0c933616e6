"""README.md holds the tables that the code and the tests make. To refresh them: ``python tests/test_readme.py``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from surgsigma_hub.adapters import all_adapters
from surgsigma_hub.api import matrix
from surgsigma_hub.cli import main
from surgsigma_hub.cli.task_table import examples, source_table, task_table
from surgsigma_hub.tasks import all_tasks

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
REFRESH = "README.md does not hold the tables of today; refresh them with: python tests/test_readme.py"

RUN = {"sharegpt": "llamafactory", "swift": "swift", "trl": "trl", "verl": "verl"}
"""Formats that a trainer reads in an environment of ``tests/trainers``."""
IN_PLACE = {"grpo": "test_examples_trl.py"}
"""Formats that TRL reads in the environment of this project."""
ONLY = {"verl": "; its data set and reward, not its trainer, which wants GPUs"}
"""What was not run of them."""
NOT_RUN = {
    "cosmos": "read: the form of its public post-training data; its code is on no registry",
    "easyr1": "read: its code is on no registry; its data set was run once by hand, at 2026-07-30, on drawn frames",
    "diffusers": "read back by `imagefolder`, as its example does: `tests/test_adapters_targets.py`",
    "llava": "not run: its code is on no registry, and the form is that of its documentation",
    "qwen": "read: its code is on no registry; its data set was run once by hand, at 2026-01-30, with images",
}


def trainer_table() -> str:
    """How it is known that a trainer reads a format: a row for each adapter."""
    rows = ["| format | trainer | version | how we know |", "| --- | --- | --- | --- |"]
    for name, adapter in all_adapters().items():
        version, how = "", NOT_RUN.get(name, "")
        if name in RUN:
            pins = (HERE / "trainers" / "environments" / f"{RUN[name]}.txt").read_text("utf-8")
            version, test = pins.split("==")[1].split()[0], HERE / "trainers" / f"test_{RUN[name]}.py"
        elif name in IN_PLACE:
            pins = (HERE.parent / "pyproject.toml").read_text("utf-8")
            version, test = (
                f"{re.findall(r'trl>=([0-9.]+)', pins)[0]}, or what `.ci/run` finds newer",
                HERE / IN_PLACE[name],
            )
        if not how:
            assert test.is_file()
            how = f"ran: `{test.relative_to(HERE.parent).as_posix()}`{ONLY.get(name, '')}"
        rows.append(f"| `{name}` | {adapter.trainer} | {version} | {how} |")
    pins = [(HERE / "trainers" / "environments" / f"transformers{n}.txt").read_text("utf-8") for n in ("_floor", "")]
    versions = " and ".join(re.findall(r"transformers==(\S+)", "\n".join(pins)))
    rows.append(
        f"| `VlmCollator` | transformers | {versions} | ran, with clips: `tests/trainers/test_transformers.py` |"
    )
    return "\n".join(rows)


def with_table(text: str) -> str:
    """``text`` with the tables of today between their markers."""
    for name, table in (("tasks", task_table()), ("sources", source_table()), ("trainers", trainer_table())):
        between = re.compile(rf"(<!-- {name} -->\n)(.*?)(<!-- /{name} -->)", re.DOTALL)
        text, count = between.subn(lambda found, made=table: f"{found[1]}{made}\n{found[3]}", text)  # type: ignore[misc]
        assert count == 1, f"README.md needs the markers <!-- {name} --> and <!-- /{name} -->, once"
    return text


def test_the_readme_holds_the_table_of_today() -> None:
    text = README.read_text("utf-8")
    assert with_table(text) == text, REFRESH


def test_another_table_is_noticed() -> None:
    text = README.read_text("utf-8")
    assert with_table(text.replace("| `depth_estimation` |", "| `depth` |")) == with_table(text)
    assert text.replace("| `depth_estimation` |", "| `depth` |") != text


def test_every_task_has_its_line_and_its_example() -> None:
    lines = task_table().splitlines()
    assert len(lines) == 2 + len(all_tasks())
    found = examples()
    for (name, task), line in zip(all_tasks().items(), lines[2:], strict=True):
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        assert len(cells) == 5 and cells[0] == f"`{name}`" and cells[2] == task.answer.value
        assert " → " in cells[4] and name in found and "`synthetic`" in cells[3]
        assert "<image>" not in line and "<video>" not in line


def test_the_table_repeats_and_is_what_the_command_prints(capsys) -> None:  # type: ignore[no-untyped-def]
    assert main(["tasks", "--markdown"]) == 0
    assert capsys.readouterr().out == f"{task_table()}\n"
    assert main(["sources", "--markdown"]) == 0
    assert capsys.readouterr().out == f"{source_table()}\n"
    for name in ("tasks", "sources"):
        assert main([name, "--markdown", "--json"]) == 2
        assert "not JSON" in capsys.readouterr().err


def test_two_recorded_sources_offer_each_task() -> None:
    recorded = {name: tasks for name, tasks in matrix().items() if name != "synthetic"}
    few = [task for task in all_tasks() if sum(task in tasks for tasks in recorded.values()) < 2]
    assert few == []
    assert "Two recorded sources or more offer each task." in README.read_text("utf-8")


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
    sys.stdout.write(f"{README.name} is up to date\n")
