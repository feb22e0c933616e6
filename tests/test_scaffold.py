"""``surgsigma new``: what it writes works, is refused by the contract, and passes once it is filled in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from surgsigma_hub.cli import main
from surgsigma_hub.errors import SurgSigmaError, UnknownNameError
from surgsigma_hub.scaffold import FORMS, PLACES, new_source

ROOT = Path(__file__).parent.parent
SENTENCE = "The labels of every operation are read as its authors describe them in the paper that came with the data. "
CHECKS = ["tests/test_contract.py", "tests/test_damage.py", "tests/test_fixtures.py"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a source is made in, from which its package is imported too."""
    copy = tmp_path_factory.mktemp("checkout")
    without = shutil.ignore_patterns("__pycache__", "fixtures", "hostile")
    for name in ("surgsigma_hub", "loaders", "dataset_cards", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=without)
    for name in ("loaders", "dataset_cards"):
        (copy / "surgsigma_hub" / name).symlink_to(copy / name, target_is_directory=True)
    (copy / "tests" / "fixtures").mkdir()
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )


def fill_in(checkout: Path, name: str) -> None:
    """Do what the marks ask for, where the form as it stands is right: drop the comment, or write a sentence."""
    for place in PLACES.values():
        path = checkout / place.format(name=name)
        text = re.sub("  # TODO[^\n]*", "", path.read_text("utf-8"))
        text = re.sub("^ *# TODO[^\n]*\n", "", text, flags=re.MULTILINE)
        path.write_text(re.sub('TODO[^\n"|]*', SENTENCE if path.suffix == ".md" else "Done.", text), "utf-8")


def test_a_new_source_of_each_form_reads_its_fixture_and_the_contract_refuses_its_marks(checkout: Path) -> None:
    names = [f"new_{form.replace('-', '_')}" for form in FORMS]
    for name, form in zip(names, FORMS, strict=True):
        assert main(["new", name, "--like", form, "--checkout", str(checkout)]) == 0
    made = run(checkout, "tests/fixture_kit.py", *names)
    assert made.returncode == 0, made.stderr
    chosen = "new_ and (nothing_is_left or frames_keep or damage or fixture_is)"
    refused = run(checkout, "-m", "pytest", "-q", "-p", "no:cacheprovider", *CHECKS, "-k", chosen)
    assert all(f"loaders/{name}.py line 1" in refused.stdout for name in names), refused.stdout
    assert re.search(rf"\b{len(names)} failed, \d+ passed", refused.stdout), refused.stdout[-3000:]
    for name in names:
        for place in PLACES.values():
            (checkout / place.format(name=name)).unlink()
        shutil.rmtree(checkout / "tests" / "fixtures" / name)


def test_a_source_that_is_filled_in_passes_the_whole_contract(checkout: Path) -> None:
    name = "filled_in"
    new_source(name, "frame-table", checkout)
    fill_in(checkout, name)
    for script in ("tests/fixture_kit.py", "tests/golden_records.py"):
        made = run(checkout, script, name)
        assert made.returncode == 0, made.stderr
    found = run(checkout, "-m", "pytest", "-q", "-p", "no:cacheprovider", *CHECKS, "-k", f"{name} and not rebuild")
    assert found.returncode == 0, found.stdout[-3000:]
    assert len((checkout / "loaders" / f"{name}.py").read_text("utf-8").splitlines()) <= 125


def test_names_forms_and_folders_that_cannot_be_are_refused(tmp_path: Path, checkout: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown form 'frame-tabel'"):
        new_source("abc", "frame-tabel", checkout)
    for name in ("Abc", "1a", "a-b", "../a", "a"):
        with pytest.raises(SurgSigmaError, match="cannot be the name of a source"):
            new_source(name, "coco", checkout)
    with pytest.raises(SurgSigmaError, match=r"is no checkout of surgsigma-hub: it has no folder loaders/"):
        new_source("abc", "coco", tmp_path)
    before = (checkout / "loaders" / "cholec80.py").read_bytes()
    with pytest.raises(SurgSigmaError, match=r"cholec80\.py is there already"):
        new_source("cholec80", "coco", checkout)
    assert (checkout / "loaders" / "cholec80.py").read_bytes() == before
