"""The 18 tasks: what each declares."""

from __future__ import annotations

import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import get_args

import pytest
from surgsigma_hub.errors import UnknownNameError
from surgsigma_hub.records import (
    Fact,
)
from surgsigma_hub.shards.frontmatter import split_card
from surgsigma_hub.tasks import get_task
from surgsigma_hub.tasks.common.base import HubCategory

from task_frames import (
    TASKS,
)

ROOT = Path(__file__).parent.parent
MODULES = ROOT / "surgsigma_hub" / "tasks"


# ----------------------------------------------------------------------------------------------------- contract


def test_the_18_tasks_are_registered_in_order() -> None:
    modules = {path.stem for path in MODULES.glob("*.py")} - {"__init__"}
    assert set(TASKS) == modules and len(TASKS) == 18, "a module in tasks/ is a task; helpers live in tasks/common/"
    assert list(TASKS) == sorted(TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_metadata(name: str) -> None:
    task = get_task(name)
    assert task.name == name
    assert task.hub_category in get_args(HubCategory)
    assert task.level in (1, 2, 3)
    assert task.title[0].isupper() and task.description.endswith(".")
    assert task.needs and all(need and need <= set(Fact) for need in task.needs)
    assert not any(a < b for a in task.needs for b in task.needs), "an alternative that holds another says nothing"
    assert task.offered_by(frozenset(Fact)) and not task.offered_by(frozenset())
    template = ROOT / "surgsigma_hub" / "tasks" / "templates" / f"{name}.yaml"
    assert template.is_file()


def test_unknown_task_suggests_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="phase_recognition"):
        get_task("phase_recogniton")


def test_import_is_light() -> None:
    code = (
        "import sys; from surgsigma_hub.tasks import all_tasks; all_tasks();"
        "heavy = {'datasets', 'pyarrow', 'torch', 'PIL', 'av', 'decord', 'webdataset'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_every_task_has_its_card() -> None:
    cards = resources.files("surgsigma_hub.dataset_cards")
    found = {c.name for c in cards.iterdir() if c.name.startswith("task_")}
    assert found == {f"task_{name}.md" for name in TASKS}


@pytest.mark.parametrize("name", TASKS)
def test_the_card_agrees_with_the_task(name: str) -> None:
    task, card = get_task(name), resources.files("surgsigma_hub.dataset_cards") / f"task_{name}.md"
    front, body = split_card(card.read_text("utf-8"), where=card.name)
    assert front == {"name": name, "title": task.title}
    heading, _, prose = body.strip().partition("\n")
    assert heading == f"# {task.title}"
    assert 60 <= len(prose.split()) <= 120
