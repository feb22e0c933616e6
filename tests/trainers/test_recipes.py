"""The programs of docs/engines.md, copied out of it, find what the manifests count, each in its own environment."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from surgsigma_hub.shards.manifest import load_tree

from kit import demo, environment
from run import ROOT

pytestmark = pytest.mark.slow
__all__ = ["demo"]
TEXT = (ROOT / "docs" / "engines.md").read_text("utf-8")
PROGRAMS = dict(re.findall(r"^```python (\w+)\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE))


def depth_sum(tree: Path) -> int:
    """The sum of all pixels of the depth maps of the training samples."""
    total = 0
    for shard in tree.glob("data/depth_estimation/*/*-train-*.tar"):
        with tarfile.open(shard) as tar:
            for member in tar:
                if member.name.endswith(".png"):
                    total += int(np.asarray(Image.open(tar.extractfile(member)), np.int64).sum())  # type: ignore[arg-type]
    return total


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_program_finds_what_is_there(name: str, demo: Path, tmp_path: Path) -> None:
    where = environment(name)
    program = tmp_path / "program.py"
    program.write_text(PROGRAMS[name], "utf-8")
    said = where.run(where.python, program, cwd=demo).splitlines()
    (task,) = {manifest.task for manifest in load_tree(demo / "surgsigma") if manifest.task in PROGRAMS[name]}
    wanted = sum(m.samples for m in load_tree(demo / "surgsigma") if (m.task, m.split) == (task, "train"))
    found, *total = map(int, said[-1].split())
    assert found == wanted > 10
    assert total == ([depth_sum(demo / "surgsigma")] if task == "depth_estimation" else [])
