"""docs/engines.md has a program for each engine that is tested, and names the versions that the tests install."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
PINS = ROOT / "tests" / "trainers" / "environments"


def test_versions_are_those_of_the_environments() -> None:
    text = (ROOT / "docs" / "engines.md").read_text("utf-8")
    sections = re.findall(r"^## .+? ([\d.]+)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert len(sections) == text.count("```python ") >= 9
    for version, section in sections:
        (name,) = re.findall(r"^```python (\w+)$", section, re.MULTILINE)
        first = (PINS / f"{name}.txt").read_text().splitlines()[0]
        assert name in first and first.endswith(f"=={version}")
