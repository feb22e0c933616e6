"""Links that lead out of a tree: what they lead to is not taken along."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from surgsigma_hub.building.copying import copy_rest
from surgsigma_hub.shards.manifest import load_tree

from handmade import small_tree


def test_a_new_tree_takes_along_what_is_in_the_old_one_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tree, out = small_tree(tmp_path / "tree"), tmp_path / "out"
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "key").write_text("not yours")
    (tree / "notes").write_text("ours")
    (tree / "inner").symlink_to("notes")
    (tree / "key").symlink_to(tmp_path / "home" / "key")
    (tree / "climbing.parquet").symlink_to("../home/key")
    (tree / "circle").symlink_to("circle")
    (tree / "folder").symlink_to(tmp_path / "home")
    with caplog.at_level(logging.WARNING):
        copy_rest(tree, out, leave=[])
    found = {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()}
    assert {"notes", "inner"} <= found and len(load_tree(out)) == 3
    assert not any("key" in name or "climbing" in name or "folder" in name for name in found)
    assert (out / "inner").read_text() == "ours" and not (out / "inner").is_symlink()
    assert "left out 2 links" in caplog.text
