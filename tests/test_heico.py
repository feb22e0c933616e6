"""The HeiCo loader: every spelling of its folders, the published tilings of real operations."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from surgsigma_hub.ontology import concept, native_names
from surgsigma_hub.records import Frame
from surgsigma_hub.registry import get_source

from conftest import FIXTURES
from footage_files import seen

HeiCo = get_source("heico")
ROOT = FIXTURES / "heico"


def test_files_are_known_by_their_own_names_whatever_the_folders(tmp_path: Path) -> None:
    for n, path in enumerate(sorted(p for p in ROOT.rglob("*") if p.is_file())):
        folder = tmp_path / f"folder {n}" / "deeper"
        folder.mkdir(parents=True)
        shutil.copy(path, folder / path.name.replace("_Phase", "_phase").replace(".avi", ".AVI"))
    source, other = HeiCo(ROOT), HeiCo(tmp_path)
    for video, same in zip(source.videos(), other.videos(), strict=True):
        assert (video.id, video.split) == (same.id, same.split)
        frames = [(f.index, f.phase) for f in seen(source, video).frames() if isinstance(f, Frame)]
        assert frames == [(f.index, f.phase) for f in seen(other, same).frames() if isinstance(f, Frame)] and frames


@pytest.mark.parametrize(
    ("table", "film"),
    [
        ("{n:04d} - Heico - {kind} - {number}_Phase.csv", "{n:04d} - Heico - {kind} - {number}.avi"),
        ("PhaseAnnotation/{kind}{number}.csv", "{kind}{number}.avi"),
    ],
)
def test_other_releases_name_the_same_operations(tmp_path: Path, table: str, film: str) -> None:
    kinds = {"Proctocolectomy": "Prokto", "RectalResection": "Rektum", "SigmoidResection": "Sigma"}
    for n, path in enumerate(sorted(p for p in ROOT.rglob("*") if p.is_file() and "_Device" not in p.name)):
        kind, number = path.stem.split("_")[:2]
        name = (table if path.suffix == ".csv" else film).format(n=n, kind=kinds[kind], number=number)
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / name)
    source, other = HeiCo(ROOT), HeiCo(tmp_path)
    for video, same in zip(source.videos(), other.videos(), strict=True):
        assert (video.id, video.canonical_id, video.split) == (same.id, same.canonical_id, same.split)
        frames = [(f.index, f.phase) for f in seen(source, video).frames() if isinstance(f, Frame)]
        assert frames == [(f.index, f.phase) for f in seen(other, same).frames() if isinstance(f, Frame)] and frames


def test_an_exception_is_a_catch_all() -> None:
    assert concept("phase", native_names("heico")["phase", "Exception"]).catch_all
    assert len(set(native_names("heico").values())) == 14


def test_the_real_tilings_of_all_operations_leave_no_frame_out(real: Path) -> None:
    told = json.loads((real / "heico" / "video-metadata.json").read_text())
    assert len(told) == 30 and sum(video["num_frames"] for video in told.values()) == 8_681_449
    for name, video in told.items():
        spans = sorted(tuple(map(int, text.split(":"))) for texts in video["phases"].values() for text in texts)
        ends = [0, *(end for _, end in spans)]
        assert [first for first, _ in spans] == ends[:-1] and ends[-1] == video["num_frames"], name
    assert {int(code) for video in told.values() for code in video["phases"]} == set(range(len(native_names("heico"))))


@pytest.mark.parametrize("name", ["RectalResection_3", "SigmoidResection_10"])
def test_real_tilings_come_back_as_segments(real: Path, tmp_path: Path, name: str) -> None:
    told = json.loads((real / "heico" / "video-metadata.json").read_text())[f"{name}.avi"]
    spans = [(*map(int, text.split(":")), int(code)) for code, texts in told["phases"].items() for text in texts]
    rows = [f"{n},{code}" for first, end, code in sorted(spans) for n in range(first, end)]
    assert len(rows) == told["num_frames"]
    (tmp_path / f"{name}_Phase.csv").write_text("\n".join(rows))
    source = HeiCo(tmp_path)
    (video,) = source.videos()
    course = source.course(video)
    assert course is not None
    natives = [native for _, native in native_names("heico")]
    found = [
        (round(s.start_seconds * 25), round(s.end_seconds * 25), natives.index(s.label.native)) for s in course.segments
    ]
    joined: list[tuple[int, int, int]] = []
    for first, end, code in sorted(spans):
        touches = bool(joined) and joined[-1][1:] == (first, code)
        joined[-1:] = [(joined[-1][0], end, code)] if touches else [*joined[-1:], (first, end, code)]
    assert found == joined
