"""``surgsigma depth`` with a real, tiny, randomly initialised Depth Anything model on drawn operations."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson
import pytest

pytest.importorskip("torch", reason="the extra 'depth' is not installed: no test of the model runs")
pytest.importorskip("transformers", reason="the extra 'depth' is not installed: no test of the model runs")

import torch
import transformers
from filelock import FileLock
from PIL import Image
from safetensors.torch import load_file, save_file
from surgsigma_hub.cli import main
from surgsigma_hub.depth import DepthCache, Sense
from surgsigma_hub.depth import run as depth_run
from surgsigma_hub.depth.model import DepthModel
from surgsigma_hub.depth.run import DepthReport, run_depth
from surgsigma_hub.errors import BuildError, LayoutError, SurgSigmaError, UnknownNameError
from surgsigma_hub.loaders.synthetic import Synthetic
from surgsigma_hub.media.image import load_rgb
from surgsigma_hub.records import Defect, FileImage, Frame, Reason, Video
from surgsigma_hub.source import parse_options

from builds import digests

pytestmark = pytest.mark.torch

OPTIONS = {"videos": "2", "frames": "5", "width": "64", "height": "48"}


def tiny(folder: Path, *, seed: int = 0, kind: str = "relative") -> Path:
    """A model of the real architecture, a few kB large, with weights from ``seed``."""
    backbone = transformers.Dinov2Config(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=2, image_size=56, patch_size=14,
        out_indices=[1, 2, 3, 4], reshape_hidden_states=False, apply_layernorm=True,
    )  # fmt: skip
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone, patch_size=14, reassemble_hidden_size=16, neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8, head_hidden_size=4, depth_estimation_type=kind, max_depth=20,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = transformers.DepthAnythingForDepthEstimation(config)
    for values in model.parameters():  # fresh weights are so small that the picture hardly reaches the end
        torch.nn.init.normal_(values, 0.05, 0.2)
    model.save_pretrained(folder)
    settings = {"height": 56, "width": 56}
    transformers.DPTImageProcessor(size=settings, keep_aspect_ratio=True, ensure_multiple_of=14).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("model") / "tiny")


def run(model: Path, out: Path, **changes: Any) -> DepthReport:
    settings: dict[str, Any] = {"root": None, "options": OPTIONS, "batch": 2, **changes}
    return run_depth("synthetic", out=out, open_model=lambda: DepthModel(str(model), device="cpu"), **settings)


@pytest.fixture(scope="module")
def made(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "depth"
    report = run(model, out)
    assert (report.made, report.present, report.left_out, report.videos) == (10, 0, {}, 2) and report.ok
    return out


def frames() -> list[tuple[Video, Frame]]:
    source = Synthetic(options=parse_options(Synthetic, OPTIONS))
    return [(v, f) for v in source.videos() for f in source.frames(v) if isinstance(f, Frame)]


def test_every_picture_has_a_map_of_its_size(made: Path) -> None:
    cache = DepthCache(made)
    for video, frame in frames():
        found = cache.ref(video.id, frame)
        assert isinstance(found, FileImage)
        with Image.open(found.path) as image:
            assert (image.mode, image.size) == ("I;16", (64, 48))
            values = np.asarray(image)
        assert (values.min(), values.max()) == (0, 65535)
    assert sorted(p.name for p in made.iterdir()) == ["S000-V0000", "S000-V0001", "depth.json"]


def test_the_nearest_by_the_model_is_the_smallest_stored(made: Path, model: Path) -> None:
    """Against the library itself, picture by picture, with nothing of the package in between."""
    net = transformers.AutoModelForDepthEstimation.from_pretrained(model).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(model)
    cache = DepthCache(made)
    for video, frame in frames():
        assert frame.image is not None
        with torch.inference_mode():
            out = net(**processor(images=Image.fromarray(load_rgb(frame.image)), return_tensors="pt"))
        nearness = torch.nn.functional.interpolate(out.predicted_depth[:, None], (48, 64), mode="bicubic")[0, 0].numpy()
        assert nearness.std() > 1e-3, "this model sees no difference: the test would prove nothing"
        with Image.open(cache.path(video.id, frame)) as image:
            stored = np.asarray(image).astype(np.float64)
        expected = (nearness.max() - nearness) / (nearness.max() - nearness.min()) * 65535
        assert np.abs(stored - expected).max() <= 65535 * 1e-3
        assert nearness.flat[stored.argmin()] == pytest.approx(nearness.max(), rel=1e-4)


def test_a_metric_model_is_not_turned_round(tmp_path: Path) -> None:
    far = DepthModel(str(tiny(tmp_path / "metric", kind="metric")), device="cpu")
    near = DepthModel(str(tiny(tmp_path / "relative")), device="cpu")
    assert (far.sense, near.sense) == (Sense.FARTHER, Sense.NEARER)
    assert far.card.sha256 != near.card.sha256  # the weights are the same, what they mean is not


def test_pictures_of_several_sizes_in_one_batch(model: Path) -> None:
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 255, size=(h, w, 3), dtype=np.uint8) for h, w in ((40, 60), (33, 91), (40, 60))]
    net = DepthModel(str(model), device="cpu")
    together = net.predict(pictures)
    assert [d.shape for d in together] == [(40, 60), (33, 91), (40, 60)] and together[0].dtype == np.float32
    for alone, depth in zip((net.predict([p])[0] for p in pictures), together, strict=True):
        assert np.allclose(alone, depth, rtol=1e-4, atol=1e-4 * depth.max())
    assert not np.allclose(together[0], together[2])
    assert net.predict([]) == []


def test_header_and_provenance(made: Path, model: Path) -> None:
    header = orjson.loads((made / "depth.json").read_bytes())
    assert header["model"] == "tiny" and str(model.parent) not in (made / "depth.json").read_text()
    assert header["processor"]["size"] == {"height": 56, "width": 56}
    assert (header["source"], header["options"], header["convention"]) == ("synthetic", OPTIONS, "larger is farther")
    assert DepthCache(made).describe() == f"tiny@sha256-{header['sha256'][:12]}"


def test_nothing_is_made_twice(made: Path, model: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in made.rglob("*.png")}
    report = run(model, made)
    assert (report.made, report.present) == (0, 10)
    assert {p: p.stat().st_mtime_ns for p in made.rglob("*.png")} == before


_CHILD = """
import os, signal, sys
from pathlib import Path
from surgsigma_hub.depth.cache import DepthCache
from test_depth import run
whole, count = DepthCache.write, 0
def write(*args):
    global count
    count += 1
    if count > 3:  # in the middle of a video and of a batch of two
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*args)
DepthCache.write = write
run(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.slow
def test_killed_and_run_again_gives_the_same_bytes(made: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "depth"
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, str(model), str(out)], env={**os.environ, "PYTHONPATH": paths}, timeout=120
    )
    assert child.returncode == -signal.SIGKILL
    kept = {p: p.stat().st_mtime_ns for p in out.rglob("*.png")}
    assert len(kept) == 3
    begun = "import sys; from pathlib import Path; from surgsigma_hub.temporary import temporary_name"
    written = f"{begun}; temporary_name(Path(sys.argv[1])).write_bytes(b'half a file')"
    subprocess.run([sys.executable, "-c", written, str(out / "S000-V0000" / "000000f1.png")], check=True)
    assert len(list(out.rglob(".*.tmp"))) == 1
    report = run(model, out)
    assert (report.made, report.present) == (7, 3)
    assert digests(out) == digests(made)
    assert {p: p.stat().st_mtime_ns for p in kept} == kept


def test_another_model_is_refused_and_nothing_changes(made: Path, tmp_path: Path) -> None:
    before = digests(made)
    other = tiny(tmp_path / "tiny", seed=1)
    with pytest.raises(BuildError, match="another model: tiny@sha256-"):
        run(other, made)
    assert digests(made) == before


def test_two_runs_into_one_folder(model: Path, made: Path) -> None:
    with FileLock(made / ".lock"), pytest.raises(BuildError, match="another run is writing"):
        run(model, made)
    (made / ".lock").unlink(missing_ok=True)


class Broken(Synthetic):
    """Two pictures that cannot be read, one that is known to be missing, a moment told twice, a row left out."""

    folder: ClassVar[Path]

    def frames(self, video: Video) -> Iterator[Frame | Defect]:
        (self.folder / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        found = list(super().frames(video))
        yield from (found[0], found[0])
        yield Frame(index=101, fps=1, image=FileImage(self.folder / "cut.png"))
        yield Frame(index=102, fps=1, image=FileImage(self.folder / "none.png"))
        yield Frame(index=103, fps=1)
        yield from found[1:]
        yield Defect(Reason.ROW_MALFORMED, "row 7", "told by the source")


def test_unreadable_pictures_are_counted(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Broken, "folder", tmp_path, raising=False)
    monkeypatch.setattr(depth_run, "get_source", lambda name: Broken)
    for made, present in ((10, 0), (0, 10)):
        report = run(model, tmp_path / "depth", batch=3)
        assert (report.made, report.present) == (made, present)
        assert report.left_out == {"media_missing": 4, "media_unreadable": 2, "row_malformed": 2}
        assert str(tmp_path) not in orjson.dumps(report.as_dict()).decode()
        assert report.examples["media_missing"][0]["where"] == "S000-V0000 frame 102 at 1 fps"


# ------------------------------------------------------------------------------------------------ wrong calls


def test_folders_that_hold_no_depth_model(model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    transformers.BertConfig().save_pretrained(tmp_path / "bert")
    transformers.DPTConfig(hidden_size=16).save_pretrained(tmp_path / "dpt")
    for folder, kept in (("weightless", 0), ("cut", 2000)):
        shutil.copytree(model, tmp_path / folder)
        weights = tmp_path / folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:kept]) if kept else weights.unlink()
    shutil.copytree(model, tmp_path / "headless")
    weights = tmp_path / "headless" / "model.safetensors"
    save_file({k: v for k, v in load_file(weights).items() if "head" not in k}, weights, {"format": "pt"})
    for name, words in (
        (tmp_path / "empty", "no config.json"),
        (tmp_path / "nowhere", "neither a folder nor a hub id"),
        (tmp_path / "bert", "not a depth-estimation model, but of the kind 'bert'"),
        (tmp_path / "dpt", "nearer or farther"),
        (tmp_path / "weightless", "cannot be loaded"),
        (tmp_path / "cut", "cannot be loaded"),
        (tmp_path / "headless", "lacks .* of its weights"),
    ):
        with pytest.raises(SurgSigmaError, match=words):
            DepthModel(str(name), device="cpu")


def offline(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process without a network, whose hub cache is in ``home``."""
    script = "from surgsigma_hub.cli import main; raise SystemExit(main())"
    settings = [x for k, v in OPTIONS.items() for x in ("--option", f"{k}={v}")]
    return subprocess.run(
        [sys.executable, "-c", script, "depth", "synthetic", *settings, *arguments],
        env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_no_network_is_said_at_once(tmp_path: Path) -> None:
    child = offline(tmp_path, "--model", "owner/not-here", "--out", str(tmp_path / "d"))
    assert child.returncode == 2 and "Traceback" not in child.stderr
    assert "owner/not-here cannot be loaded" in child.stderr and "Without a network" in child.stderr
    assert not (tmp_path / "d").exists()


@pytest.mark.slow
def test_a_hub_model_is_named_by_its_commit(made: Path, model: Path, tmp_path: Path) -> None:
    commit, home = "0123456789" * 4, tmp_path / "models--owner--tiny"
    shutil.copytree(model, home / "snapshots" / commit)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(commit)
    child = offline(tmp_path, "--model", "owner/tiny", "--batch", "2", "--out", str(tmp_path / "d"))
    assert child.returncode == 0, child.stderr
    assert DepthCache(tmp_path / "d").describe() == f"owner/tiny@{commit}"
    maps = {k: v for k, v in digests(made).items() if k.endswith(".png")}
    assert {k: v for k, v in digests(tmp_path / "d").items() if k.endswith(".png")} == maps


def test_a_gpu_that_is_not_there(model: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(SurgSigmaError, match="no GPU"):
        DepthModel(str(model), device="cuda")


def test_wrong_split_root_and_option(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="split 'training'"):
        run(model, tmp_path / "d", splits=("training",))
    with pytest.raises(UnknownNameError, match="option"):
        run(model, tmp_path / "d", options={"vidos": "2"})
    with pytest.raises(BuildError, match="no video of synthetic is in split test"):
        run(model, tmp_path / "d", splits=("test",))
    with pytest.raises(LayoutError):
        run_depth("cholect50", root=tmp_path, out=tmp_path / "d", open_model=lambda: pytest.fail("loaded"), options={})
    assert not (tmp_path / "d").exists()


def test_the_command(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = ["depth", "synthetic", "--out", str(tmp_path / "d"), "--model", str(model), "--device", "cpu"]
    call += [x for k, v in OPTIONS.items() for x in ("--option", f"{k}={v}")]
    assert main([*call, "--split", "train"]) == 0
    assert "10 depth maps made of 2 videos of synthetic, 0 were there already." in capsys.readouterr().out
    assert main([*call, "--json"]) == 0
    report = orjson.loads(capsys.readouterr().out)
    assert (report["made"], report["present"], report["ok"]) == (0, 10, True)
