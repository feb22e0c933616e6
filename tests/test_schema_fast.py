"""What ``jsonschema_rs`` lets pass ``jsonschema`` does too, and no good sample waits for the slow one."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from surgsigma_hub.conformance import certainly_fits
from surgsigma_hub.schema import Layout, json_schema
from surgsigma_hub.shards import sample_checks
from surgsigma_hub.shards.validate import validate

from handmade import small_tree
from packed import write_talks

LAYOUTS: tuple[Layout, ...] = ("tasks", "frames")
SLOW = {layout: Draft202012Validator(json_schema(layout)) for layout in LAYOUTS}
VALUE = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([-0.5, 0.5, 1.5, 1e300]), st.text(max_size=3),
    st.sampled_from(["input", "image.jpg", "0" * 64, "1.1", "a" * 88, "a" * 89]),
    st.lists(st.none() | st.text(max_size=2), max_size=2), st.dictionaries(st.text(max_size=2), st.none(), max_size=2),
)  # fmt: skip


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[Layout, bytes]:
    """The JSON of a sample of each layout."""
    root = tmp_path_factory.mktemp("documents")
    small_tree(root / "tasks")
    write_talks(root / "frames", [[["image_captioning", "phase_recognition"]]])
    return {layout: _first(root / layout) for layout in LAYOUTS}


def _first(tree: Path) -> bytes:
    with tarfile.open(min(tree.glob("data/**/*.tar"))) as tar:
        found = tar.extractfile(next(m for m in tar if m.name.endswith(".json")))
        assert found is not None
        return found.read()


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in some JSON with every key of it."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in list(inner):
        yield value, key
        yield from places(one)


@given(st.data())
def test_it_says_what_jsonschema_says(documents: dict[Layout, bytes], data: st.DataObject) -> None:
    layout = data.draw(st.sampled_from(LAYOUTS))
    doc = orjson.loads(documents[layout])
    assert certainly_fits(doc, layout=layout) and SLOW[layout].is_valid(doc)
    for _ in range(data.draw(st.integers(1, 2))):
        inside, key = data.draw(st.sampled_from(list(places(doc))))
        change = data.draw(st.sampled_from(["exchange", "leave", "add", "repeat"]))
        if change == "exchange":
            inside[key] = data.draw(VALUE)
        elif change == "leave":
            del inside[key]
        elif change == "add" and isinstance(inside, dict):
            inside[data.draw(st.text(max_size=3))] = data.draw(VALUE)
        elif isinstance(inside, list):
            inside.append(inside[key])
    assert certainly_fits(doc, layout=layout) == SLOW[layout].is_valid(doc)


@given(VALUE)
def test_what_is_no_document_does_not_fit(value: Any) -> None:
    assert not any(certainly_fits(value, layout=layout) for layout in LAYOUTS)


def test_no_good_sample_waits_for_jsonschema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which takes most of the time of a check, where it is asked."""

    def asked(layout: Layout) -> Any:
        raise AssertionError(f"jsonschema was asked about a good sample of {layout}")

    monkeypatch.setattr(sample_checks, "_validator", asked)
    write_talks(tmp_path / "frames", [[["image_captioning", "phase_recognition"]]])
    assert validate(small_tree(tmp_path / "tasks")).ok
    assert validate(tmp_path / "frames").counts["samples"] == 1
