"""Folders of depth maps and what is stored in them; needs no model library."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from surgsigma_hub.cli import main
from surgsigma_hub.depth import CONVENTION, DepthCache, Header, Sense, to_relative_depth
from surgsigma_hub.depth.model import DEFAULT_MODEL
from surgsigma_hub.errors import BuildError, SurgSigmaError
from surgsigma_hub.records import FileImage, Frame

HEADER = Header(
    model="owner/name", revision="main", commit="abc123", sha256="0" * 64, source="synthetic",
    processor={"size": {"height": 56, "width": 56}}, options={"videos": "2"},
)  # fmt: skip
FRAME = Frame(index=12, fps=1)


def test_a_map_comes_back_as_written(tmp_path: Path) -> None:
    depth = np.arange(6 * 9, dtype=np.uint16).reshape(6, 9) * 1000
    written = DepthCache.create(tmp_path / "d", HEADER)
    size = written.write("VID01", FRAME, depth)
    found = DepthCache(tmp_path / "d").ref("VID01", FRAME)
    assert isinstance(found, FileImage) and found.path.stat().st_size == size
    with Image.open(found.path) as image:
        assert image.mode == "I;16" and np.array_equal(np.asarray(image), depth)
    assert sorted(p.name for p in (tmp_path / "d").rglob("*")) == ["000012f1.png", "VID01", "depth.json"]


def test_names_tell_moments_rates_and_variants_apart(tmp_path: Path) -> None:
    cache = DepthCache.create(tmp_path, HEADER)
    frames = [FRAME, replace(FRAME, fps=0.5), replace(FRAME, fps=29.97), replace(FRAME, variant="smoky")]
    names = [cache.path("VID01", f).name for f in frames]
    assert names == ["000012f1.png", "000012f0p5.png", "000012f29p97.png", "000012f1-smoky.png"]
    assert all(cache.ref("VID01", f) is None for f in frames)


@pytest.mark.parametrize(("video", "variant"), [("../out", ""), ("a/b", ""), ("", ""), ("V", "../x"), ("V", "a b")])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, video: str, variant: str) -> None:
    with pytest.raises(SurgSigmaError, match="cannot name a depth map"):
        DepthCache.create(tmp_path, HEADER).path(video, replace(FRAME, variant=variant))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"sha256": "1" * 64, "commit": "def456"},
            "another model: owner/name@abc123, asked for now: owner/name@def456",
        ),
        ({"source": "cholect50"}, "another source"),
        ({"options": {"videos": "3"}}, "another options"),
        ({"processor": {"size": {"height": 518, "width": 518}}}, "another processor"),
    ],
)
def test_a_folder_never_mixes(tmp_path: Path, change: dict[str, object], words: str) -> None:
    DepthCache.create(tmp_path, HEADER)
    before = (tmp_path / "depth.json").read_bytes()
    with pytest.raises(BuildError, match=words):
        DepthCache.create(tmp_path, replace(HEADER, **change))
    assert (tmp_path / "depth.json").read_bytes() == before


def test_the_same_model_from_another_place_may_go_on(tmp_path: Path) -> None:
    DepthCache.create(tmp_path, HEADER)
    again = DepthCache.create(tmp_path, replace(HEADER, model="name", revision=None, commit=None))
    assert again.header == HEADER and again.describe() == "owner/name@abc123"


def test_describe_names_what_is_known() -> None:
    from surgsigma_hub.depth.cache import describe

    assert describe(replace(HEADER, commit=None)) == "owner/name@main"
    assert describe(replace(HEADER, commit=None, revision=None)) == "owner/name@sha256-000000000000"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "not a folder of depth maps"),
        (b"", "is damaged"),
        (b"[]", "is damaged"),
        (b'{"format": 1, "convention": "larger is farther"}', "is damaged"),
        (b'{"format": 2, "convention": "larger is farther"}', "another format"),
        (b'{"format": 1, "convention": "larger is nearer"}', "another format"),
    ],
)
def test_what_is_no_cache_is_refused(tmp_path: Path, text: bytes | None, words: str) -> None:
    if text is not None:
        (tmp_path / "depth.json").write_bytes(text)
    with pytest.raises(BuildError, match=words):
        DepthCache(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match="cannot write into"):
        DepthCache.create(tmp_path / "file" / "d", HEADER)


# ----------------------------------------------------------------------------------------------------- encoding

PREDICTIONS = hnp.arrays(np.float32, (4, 5), elements=st.floats(-1e6, 1e6, width=32))


@given(PREDICTIONS, st.sampled_from(Sense))
def test_order_is_kept_and_the_range_used(prediction: np.ndarray, sense: Sense) -> None:
    stored = to_relative_depth(prediction, sense)
    assert stored.dtype == np.uint16 and stored.shape == prediction.shape
    if prediction.min() == prediction.max():
        assert not stored.any()
        return
    assert (stored.min(), stored.max()) == (0, 65535)
    farther = np.argsort(prediction, axis=None, kind="stable")
    if sense is Sense.NEARER:
        farther = farther[::-1]
    assert (np.diff(stored.ravel()[farther].astype(np.int64)) >= 0).all(), CONVENTION


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_prediction_that_is_no_number_is_an_error(value: float) -> None:
    with pytest.raises(SurgSigmaError, match="not a number"):
        to_relative_depth(np.array([[1.0, value]], np.float32), Sense.NEARER)


def test_a_prediction_of_another_shape_is_an_error() -> None:
    with pytest.raises(SurgSigmaError, match="shape"):
        to_relative_depth(np.zeros((1, 4, 5), np.float32), Sense.NEARER)


def test_the_help_names_the_default_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["depth", "--help"]) == 0
    shown = "".join(capsys.readouterr().out.split())
    assert f"default:{DEFAULT_MODEL}," in shown and "Apache-2.0" in shown and "notforcommercialuse" in shown


def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    """In a process of its own whose import of torch fails, as where the extra is not installed."""
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "from surgsigma_hub.cli import main\n"
        f"raise SystemExit(main(['depth', 'synthetic', '--out', {str(tmp_path / 'd')!r}]))"
    )
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert child.returncode == 2 and "surgsigma-hub[depth]" in child.stderr and "Traceback" not in child.stderr
    assert not (tmp_path / "d").exists()
