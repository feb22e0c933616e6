"""Clips with an odd number of frames, and of one frame, for trainers that read frames in pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from surgsigma_hub.adapters import Options, UnfitError, all_adapters, get_adapter
from surgsigma_hub.adapters.exporting import export
from surgsigma_hub.cli import main

from adaptertree import read_back
from handmade import film, sample, write_part

LENGTHS = {"a": (1, 1), "b": (2, 1), "c": (3, 1), "d": (5, 1), "e": (8, 2), "f": (9, 25), "g": (3, 25)}
"""Frames and frames a second; a reader of 2 a second, and no fewer than 4, leaves one of c, d and g out."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of each length, and a still."""
    made = [sample(0, video="still")]
    for n, (video, (count, fps)) in enumerate(LENGTHS.items()):
        data = film([(10 * k, 90, 60) for k in range(count)], fps=fps)
        one, media = sample(n, video=video, media=[("video.mp4", "video", "input", data)])
        made.append((replace(one, media=(replace(one.media[0], num_frames=count, fps=float(fps)),)), media))
    folder = tmp_path_factory.mktemp("clips") / "tree"
    write_part(folder, [made])
    return folder


def test_frames_that_ms_swift_leaves_out_are_counted(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = export(tree, get_adapter("swift"), out=tmp_path / "swift")
    (note,) = report.notes
    assert note.startswith("3 records have videos with an odd number of frames, of which ms-swift leaves one out")
    assert "build --even-clips" in note
    assert report.left_out == {"short": {"phase_recognition": 1}}, "a single frame it refuses"
    assert {record["id"].split("-")[1] for record in read_back(tmp_path / "swift")} == {"still", *"bcdefg"}
    assert main(["export", str(tree), "--format", "swift", "--out", str(tmp_path / "swift")]) == 0
    said = capsys.readouterr().out
    assert "a video of one frame, where the trainer reads two or more" in said and f"Note: {note}" in said


@pytest.mark.parametrize("name", [name for name, one in all_adapters().items() if not one.paired and not one.targets])
def test_other_trainers_take_them_all(name: str, tree: Path, tmp_path: Path) -> None:
    report = export(tree, get_adapter(name), out=tmp_path / "out")
    assert report.records == len(LENGTHS) + 1 and not report.notes and not report.left_out


def test_qwens_own_code_leaves_them_out_for_one_family_and_not_for_another(tree: Path, tmp_path: Path) -> None:
    older, newer = (
        export(tree, get_adapter("qwen"), out=tmp_path / family, options=Options(model=family))
        for family in ("qwen2_5_vl", "qwen3_vl")
    )
    assert older.records == len(LENGTHS) and "3 records have videos with an odd number" in older.notes[0]
    assert newer.records == len(LENGTHS) + 1 and not newer.notes


def test_frames_written_as_images_are_all_read(tree: Path, tmp_path: Path) -> None:
    report = export(tree, get_adapter("swift"), out=tmp_path / "out", options=Options(video="frames"))
    assert report.records == len(LENGTHS) + 1 and not any("odd" in note for note in report.notes)


def test_a_single_frame_is_refused_with_the_way_out() -> None:
    made, media = sample(0, media=[("video.mp4", "video", "input", film([(9, 90, 60)]))])
    one = orjson.loads(orjson.dumps(replace(made, media=(replace(made.media[0], num_frames=1, fps=5.0),))))
    with pytest.raises(UnfitError, match="a video of one frame") as refused:
        get_adapter("swift")(one, media)
    assert refused.value.reason == "short" and "--clip-fps" in str(refused.value.hint)
    assert get_adapter("sharegpt")(one, media)["videos"]
