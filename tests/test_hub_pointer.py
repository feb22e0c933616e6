"""Pointer cards: the bare name works beside one with plain `datasets` and no local data, and never hides a tree."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from surgsigma_hub.errors import BuildError
from surgsigma_hub.hub.cards import refresh
from surgsigma_hub.hub.pointer import init_pointer
from surgsigma_hub.schema import FORMAT_VERSION

from fakehub import FakeHub, serve
from handmade import SOURCES, counts, write_tree
from hub_client import PYTHON

INIT = (
    "import sys, json; from pathlib import Path\n"
    "from surgsigma_hub.errors import SurgSigmaError; from surgsigma_hub.hub.pointer import init_pointer\n"
    "out = []\n"
    "for repo, revision in json.loads(sys.argv[1]):\n"
    "    try: out.append(init_pointer(repo, Path('surgsigma'), revision))\n"
    "    except SurgSigmaError as e: out.append([type(e).__name__, str(e)])\n"
    "print(json.dumps(out))"
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tree") / "surgsigma"
    write_tree(made)
    refresh(made, sources=SOURCES)
    return made


@pytest.fixture(scope="module")
def hub(tree: Path) -> Iterator[FakeHub]:
    with serve() as server:
        server.add("org/surgsigma", tree)
        yield server


def init(hub: FakeHub, work: Path, *asked: tuple[str, str | None], **more: str) -> list:
    work.mkdir(exist_ok=True)
    done = subprocess.run(
        [PYTHON, "-c", INIT, json.dumps(asked)],
        env=hub.environment(work / "home", **more),
        cwd=work,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_plain_datasets_loads_through_a_pointer(hub: FakeHub, tmp_path: Path) -> None:
    (sha,) = init(hub, tmp_path, ("org/surgsigma", None))
    assert sha == hub.shas["org/surgsigma"]
    assert [p.name for p in (tmp_path / "surgsigma").iterdir()] == ["README.md"]
    hub.log.clear()
    code = (
        "import datasets, gc, json\n"
        # huggingface_hub closes a stream in __del__: run by the collector while httpcore holds the lock of its pool,
        # that waits for ever (seen with huggingface_hub 1.33.0, httpcore 1.0.9, plain datasets 5.2.0).
        "gc.disable()\n"
        "out = {}\n"
        "for c in datasets.get_dataset_config_names('surgsigma'):\n"
        "    d = datasets.load_dataset('surgsigma', c, streaming=True)\n"
        "    out[c] = {s: len({r['json']['id'] for r in v}) for s, v in d.items()}\n"
        "arrow = datasets.load_dataset('surgsigma', 'instrument_segmentation')\n"
        "out['arrow'] = {s: v.num_rows for s, v in arrow.items()}\n"
        "assert 'surgsigma_hub' not in __import__('sys').modules\n"
        "import surgsigma_hub\n"
        "out['flat'] = {s: len(list(v)) for s, v in surgsigma_hub.load_dataset(config='all', streaming=True).items()}\n"
        "print(json.dumps(out))"
    )
    done = subprocess.run(
        [PYTHON, "-c", code],
        env=hub.environment(tmp_path / "home2"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("arrow") == counts()["instrument_segmentation"]
    assert found.pop("flat") == counts()["all"]
    assert found == counts()
    assert all("/main/" not in line for line in hub.log)  # pinned: nothing asks for a branch


def test_every_glob_is_pinned_and_the_rest_kept(hub: FakeHub, tree: Path, tmp_path: Path) -> None:
    (sha,) = init(hub, tmp_path, ("org/surgsigma", "v1"))
    text = (tmp_path / "surgsigma" / "README.md").read_text("utf-8")
    front = yaml.safe_load(text.split("---\n", 2)[1])
    theirs = yaml.safe_load((tree / "README.md").read_text("utf-8").split("---\n", 2)[1])
    assert front["dataset_info"] == theirs["dataset_info"]
    assert front["surgsigma"] == {"format_version": FORMAT_VERSION, "pointer": f"org/surgsigma@{sha}"}
    base = f"hf://datasets/org/surgsigma@{sha}/"
    for mine, original in zip(front["configs"], theirs["configs"], strict=True):
        assert mine.get("default") == original.get("default")
        for part, before in zip(mine["data_files"], original["data_files"], strict=True):
            assert part == {"split": before["split"], "path": base + before["path"]}
    assert text.count("name: canonical_video_id") == 1
    assert sha in text.split("---\n", 2)[2]


def test_an_older_pointer_is_replaced_and_follows(hub: FakeHub, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_tree(other)
    refresh(other, sources=SOURCES)
    first = hub.add("org/moving", other)
    assert init(hub, tmp_path / "work", ("org/moving", None)) == [first]
    (other / "LICENSES.md").write_text("changed")
    second = hub.add("org/moving", other)
    assert first != second
    assert init(hub, tmp_path / "work", ("org/moving", None)) == [second]
    assert second in (tmp_path / "work" / "surgsigma" / "README.md").read_text()
    # A commit never changes, so an older one may be asked for by name and comes from the cache here.
    assert init(hub, tmp_path / "work", ("org/moving", first)) == [first]
    assert second not in (tmp_path / "work" / "surgsigma" / "README.md").read_text()


def publish(hub: FakeHub, folder: Path, name: str, readme: str | None) -> None:
    folder.mkdir()
    if readme is not None:
        (folder / "README.md").write_text(readme)
    hub.add(name, folder)


def test_errors_say_what_is_wrong(hub: FakeHub, tree: Path, tmp_path: Path) -> None:
    ours = (tree / "README.md").read_text()
    publish(hub, tmp_path / "a", "org/nocard", None)
    publish(hub, tmp_path / "b", "org/foreign", "---\nconfigs:\n- config_name: x\n  data_files: '*.csv'\n---\n")
    publish(
        hub, tmp_path / "c", "org/newer", ours.replace(f"format_version: '{FORMAT_VERSION}'", "format_version: '2.0'")
    )
    publish(hub, tmp_path / "d", "org/broken", "---\na: [\n---\n")
    publish(hub, tmp_path / "e", "org/gated", ours)
    publish(hub, tmp_path / "f", "org/escape", ours.replace("path: data/", "path: ../../data/"))
    publish(hub, tmp_path / "g", "org/elsewhere", ours.replace("path: data/", "path: http://x/data/"))
    publish(hub, tmp_path / "h", "org/plain", "no front matter")
    hub.gated.add("org/gated")
    names = ["missing", "nocard", "foreign", "newer", "broken", "gated", "escape", "elsewhere", "plain"]
    asked = [(f"org/{n}", None) for n in names] + [("not a name", None), ("org/surgsigma", "v9")]
    found = dict(zip([*names, "name", "revision"], init(hub, tmp_path / "work", *asked), strict=True))
    expected = {
        "missing": "org/missing was not found",
        "nocard": "no README.md",
        "foreign": "not the card of a tree",
        "newer": "format version 2.0",
        "broken": "not YAML",
        "gated": "is gated",
        "escape": "'../../data/",
        "elsewhere": "'http://x/data/",
        "plain": "not the card of a tree",
        "name": "ORG/NAME",
        "revision": "no revision 'v9'",
    }
    for key, words in expected.items():
        assert words in found[key][1], (key, found[key])
    assert not (tmp_path / "work" / "surgsigma").exists()


def test_no_network_is_said_plainly(hub: FakeHub, tmp_path: Path) -> None:
    (found,) = init(hub, tmp_path, ("org/surgsigma", None), HF_HUB_OFFLINE="1")
    assert "could not be reached" in found[1]


def test_a_pointer_to_a_pointer_is_refused(hub: FakeHub, tmp_path: Path) -> None:
    init(hub, tmp_path, ("org/surgsigma", None))
    hub.add("org/pointer", tmp_path / "surgsigma")
    (found,) = init(hub, tmp_path / "work", ("org/pointer", None))
    assert "itself a pointer" in found[1]


def test_a_folder_with_something_in_it_is_never_overwritten(tree: Path, tmp_path: Path) -> None:
    before = (tree / "README.md").read_bytes()
    with pytest.raises(BuildError, match="built tree"):
        init_pointer("org/surgsigma", tree)
    assert (tree / "README.md").read_bytes() == before
    (tmp_path / "README.md").write_text("my notes")
    with pytest.raises(BuildError, match="no pointer card"):
        init_pointer("org/surgsigma", tmp_path)
    half = tmp_path / "half"
    (half / "data/a/b").mkdir(parents=True)
    (half / "data/a/b/train-00000.tar").write_bytes(b"")
    with pytest.raises(BuildError, match="built tree"):
        init_pointer("org/surgsigma", half)
    with pytest.raises(BuildError, match="is a file"):
        init_pointer("org/surgsigma", tmp_path / "README.md")
