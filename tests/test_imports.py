"""Imports run downwards only; loaders see few things and nobody but the registry sees loaders."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "surgsigma_hub"

FLOORS = [
    {"errors", "records", "version", "visible", "plain_file", "temporary"},
    {"whole_files"},
    {"schema", "ontology", "source"},
    {"media", "parsers"},
    {"scene"},
    {"registry"},
    {"conformance"},
    {"tasks"},
    {"reasoning"},
    {"shards"},
    {"depth"},
    {"building", "preview", "streaming"},
    {"bench", "browse", "hub", "scaffold"},
    {"adapters"},
    {"enrich"},
    {"api"},
    {"cli"},
]
"""From the ground up; a module may import its own floor's names only inside its own package, and all floors below."""

MAY_STAND_BESIDE = {("schema", "ontology"), ("parsers", "media"), ("source", "ontology")}
LOADERS_MAY_IMPORT = {"records", "source", "ontology", "parsers", "media", "scene", "errors"}
HEAVY = {"datasets", "huggingface_hub", "webdataset", "decord", "av", "torch", "transformers", "tensorflow"}


def imports(path: Path, package: list[str]) -> set[str]:
    """Absolute dotted names that a file imports, relative ones resolved; those under TYPE_CHECKING count too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names} if not node.module or node.level else {module}
            found.add(module)
    return found


def floor(name: str) -> int | None:
    return next((n for n, names in enumerate(FLOORS) if name in names), None)


FILES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_run_downwards(path: Path) -> None:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    own = parts[0]
    assert floor(own) is not None, f"{own} has no floor: give it one in FLOORS"
    package = ["surgsigma_hub", *parts[:-1]]
    for name in imports(path, package):
        if not name.startswith("surgsigma_hub."):
            continue
        other = name.split(".")[1]
        if other == "loaders":
            assert own == "registry", f"{path.name} imports loaders; only the registry may"
        if other == own or floor(other) is None:
            continue
        assert floor(other) < floor(own) or (own, other) in MAY_STAND_BESIDE, (
            f"{own} imports {other}, which is above it"
        )  # type: ignore[operator]


def module_of(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def test_no_module_imports_itself_by_a_detour() -> None:
    """Also not inside functions, nor for types alone; in the package, in loaders and in benchmarks."""
    found = {module_of(path, ROOT): path for path in FILES}
    found |= {path.stem: path for path in (ROOT / "benchmarks").glob("*.py")}  # each script's folder is on the path
    found |= {f"surgsigma_hub.{module_of(path, ROOT)}": path for path in (ROOT / "loaders").glob("*.py")}
    graph = TopologicalSorter[str]()
    for name, path in found.items():
        package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        named = imports(path, package)
        # ``from .package import module`` needs the module; that it also names the package is no circle.
        inside = {other: [n for n in named if n.rpartition(".")[0] == other] for other in named}
        needed = {other for other, its in inside.items() if not its or any(n not in found for n in its)}
        graph.add(name, *(needed & found.keys()) - {name, "surgsigma_hub"})
    graph.prepare()  # CycleError names the circle


@pytest.mark.parametrize("path", sorted((ROOT / "loaders").glob("*.py")), ids=lambda p: p.name)
def test_loaders_know_little(path: Path) -> None:
    for name in imports(path, ["surgsigma_hub", "loaders"]):
        assert name.split(".")[0] not in HEAVY
        if name.startswith("surgsigma_hub."):
            assert name.split(".")[1] in LOADERS_MAY_IMPORT, f"a loader imports {name}"


def test_files_stay_short() -> None:
    for path in [*FILES, *(ROOT / "loaders").glob("*.py")]:
        lines = len(path.read_text("utf-8").splitlines())
        assert lines <= 400, f"{path.name} has {lines} lines: split it along a seam of the design"


def test_a_stream_of_images_opens_without_the_readers_of_videos() -> None:
    code = "import sys, surgsigma_hub.streaming.open; print([m for m in sys.modules if '.film_' in m or m == 'av'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", "import media.video and media.film_table where a video is asked for"


@pytest.mark.parametrize(
    ("command", "unneeded"),
    [
        ("--help", "api registry records source loaders tasks"),
        ("sources", "building.map building.plan building.run reasoning hub"),
    ],
)
def test_a_list_imports_no_more_than_it_says(command: str, unneeded: str) -> None:
    """What ``--help`` costs does not depend on the number of sources, and ``sources`` costs little but their names."""
    code = f"""import contextlib, io, sys
from surgsigma_hub.cli import main
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main([{command!r}])
print(*sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    imported = {*done.stdout.split()}
    assert "surgsigma_hub.cli.listing" in imported
    assert not {f"surgsigma_hub.{name}" for name in unneeded.split()} & imported, "import it where a command needs it"
