"""The digest of a plan: parts of an unfinished build are used again only where every setting is the same."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub import version
from surgsigma_hub.building.plan import Settings, SplitPolicy, make_plan
from surgsigma_hub.reasoning.warrants import Row, Sign
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import parse_options
from surgsigma_hub.tasks.common.question_kinds import Style

SETTINGS = Settings(
    source="synthetic", root=None, tasks=("phase_recognition",), splits=(), options={}, seed=0, jpeg_quality=92,
    shard_bytes=1 << 20, joint=0.1, explained=0.1, smoke=0.1, frame_side=300,
)  # fmt: skip


def another(value: Any, kind: str) -> Any:
    """A value of the same kind that is not this one."""
    made = {
        "root": Path("elsewhere"), "depth": Path("maps"), "style": Style.PAPER, "options": {"frames": "4"},
        "split_policy": SplitPolicy.LEAK_FREE,
        "tasks": ("desmoking",), "splits": ("test",), "warrants": (Row("a", "phase", "b", Sign("hook"), 60, 10),),
    }  # fmt: skip
    return made[kind] if kind in made else value * 2 or 7 if not isinstance(value, str) else "cholec80"


@pytest.mark.parametrize("name", [f.name for f in fields(Settings)])
def test_every_setting_changes_the_digest(name: str, tmp_path: Path) -> None:
    kind = get_source("synthetic")
    source = kind(None, parse_options(kind, {"videos": "6", "frames": "3"}), cache_dir=tmp_path)
    other = replace(SETTINGS, **{name: another(getattr(SETTINGS, name), name)})
    assert getattr(other, name) != getattr(SETTINGS, name)
    first, again, changed = (make_plan(s, source).digest for s in (SETTINGS, replace(SETTINGS), other))
    assert first == again != changed, f"a build with another {name} would take parts of the one before"


def test_other_code_has_another_digest_and_so_has_its_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "some_package"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "data" / "words.csv").write_text("a\n")
    monkeypatch.syspath_prepend(tmp_path)
    kind = get_source("synthetic")
    source = kind(None, parse_options(kind, {"videos": "6", "frames": "3"}), cache_dir=tmp_path)

    def plan() -> str:
        version.code_digest.cache_clear()
        return make_plan(SETTINGS, source).digest

    try:
        with monkeypatch.context() as patch:
            patch.setattr(version, "_PARTS", ("some_package",))
            first = plan()
            (package / "data" / ".DS_Store").write_text("left by a desktop")
            assert plan() == first
            (package / "data" / "words.csv").write_text("b\n")
            assert plan() != first, "parts worded by older templates would be taken"
    finally:
        version.code_digest.cache_clear()
