"""What is installed: every module and every data file of the package, by what pyproject.toml says of them."""

from __future__ import annotations

import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = {
    "surgsigma_hub": "surgsigma_hub",
    "loaders": "surgsigma_hub.loaders",
    "dataset_cards": "surgsigma_hub.dataset_cards",
}
FILES = sorted(
    path.relative_to(ROOT)
    for top in FOLDERS
    for path in (ROOT / top).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
)


@pytest.fixture(scope="module")
def setuptools() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]


def package_of(path: Path) -> str:
    return ".".join([FOLDERS[path.parts[0]], *path.parts[1:-1]])


@pytest.mark.parametrize("path", FILES, ids=str)
def test_every_file_is_installed(path: Path, setuptools: dict[str, Any]) -> None:
    package = package_of(path)
    if path.suffix == ".py":
        assert package in setuptools["packages"], f"add {package!r} to packages in pyproject.toml"
        return
    places = [(package, path.name)]
    while "." in places[-1][0]:  # a folder without modules belongs to the package above it
        above, _, last = places[-1][0].rpartition(".")
        places.append((above, f"{last}/{places[-1][1]}"))
    data = setuptools["package-data"]
    assert any(
        name in setuptools["packages"] and any(fnmatch(place, pattern) for pattern in data.get(name, ()))
        for name, place in places
    ), f"add a pattern for {path.name} of {package} to package-data in pyproject.toml"
