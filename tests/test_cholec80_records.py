"""The Cholec80 loader on TFRecords that are damaged, renamed or numbered otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.records import Defect, Frame, Reason

from chole_files import as_records, example, picture, tfrecord
from cholec80_reading import ROOT, facts, opened, read


def record(number: int, **changes: Any) -> bytes:
    features: dict[str, Any] = {
        "frame": [picture(number % 50)],
        "video_id": [b"video01"],
        "frame_id": [number],
        "total_frames": [3],
        "instruments": [1, 0, 0, 0, 0, 0, 0],
        "phase": [6],
        **changes,
    }
    return example({k: v for k, v in features.items() if v is not None})


def from_records(tmp_path: Path, payloads: list[bytes]) -> tuple[list[Frame], list[Defect]]:
    (tmp_path / "video01.tfrecord").write_bytes(tfrecord(payloads))
    return read(tmp_path, "video01")


def test_a_cut_record_file_gives_what_is_whole(tmp_path: Path) -> None:
    whole = tfrecord([record(0), record(1), record(2)])
    path = tmp_path / "video01.tfrecord"
    two = len(tfrecord([record(0), record(1)]))
    for end in (two + 1, two + 11, two + 12, two + 40, len(whole) - 1):
        path.write_bytes(whole[:end])
        frames, (defect,) = read(tmp_path, "video01")
        assert [f.index for f in frames] == [0, 25]
        assert defect.reason is Reason.ROW_MALFORMED and defect.where == "video01.tfrecord record 2"
        assert f"byte {two}" in defect.detail and "2 records before it were read" in defect.detail


@pytest.mark.parametrize(
    ("changes", "reason", "kept"),
    [
        ({"phase": [7]}, Reason.LABEL_UNKNOWN, (25, None, ["Grasper"])),
        ({"phase": [-1]}, Reason.LABEL_UNKNOWN, (25, None, ["Grasper"])),
        ({"phase": None}, Reason.LABEL_UNKNOWN, (25, None, ["Grasper"])),
        ({"instruments": [1, 0]}, Reason.ROW_MALFORMED, (25, "GallbladderPackaging", None)),
        ({"instruments": [1, 0, 0, 0, 0, 0, -1]}, Reason.ROW_MALFORMED, (25, "GallbladderPackaging", None)),
        ({"frame": None}, Reason.ROW_MALFORMED, None),
        ({"frame_id": [-1]}, Reason.ROW_MALFORMED, None),
        ({"frame_id": [1, 2]}, Reason.ROW_MALFORMED, None),
        ({"video_id": [b"video02"]}, Reason.ROW_MALFORMED, None),
    ],
)
def test_bad_records(tmp_path: Path, changes: dict[str, Any], reason: Reason, kept: Any) -> None:
    frames, defects = from_records(tmp_path, [record(0), record(1, **changes), record(2)])
    assert [(d.reason, d.where) for d in defects] == [(reason, "video01.tfrecord record 1")]
    assert facts(frames)[1:-1] == ([kept] if kept else [])
    assert [f.index for f in (frames[0], frames[-1])] == [0, 50]


def test_a_bad_first_record_does_not_shift_the_others(tmp_path: Path) -> None:
    frames, (defect,) = from_records(tmp_path, [record(0, frame=None), record(1), record(2)])
    assert [f.index for f in frames] == [25, 50] and defect.where == "video01.tfrecord record 0"


def test_a_payload_that_is_no_message(tmp_path: Path) -> None:
    frames, (defect,) = from_records(tmp_path, [record(0), b"\x0a\x7fgarbage", record(2)])
    assert [f.index for f in frames] == [0, 50] and defect.where == "video01.tfrecord record 1"


def test_numbers_of_frames_in_place_of_seconds(tmp_path: Path) -> None:
    frames, defects = from_records(tmp_path, [record(0), record(50), record(25)])
    assert [f.index for f in frames] == [0, 25, 50] and defects == []


@pytest.mark.parametrize("payloads", [[record(2), record(3)], [b"\xff", record(1), record(2)]])
def test_a_base_that_is_not_known_is_not_guessed(tmp_path: Path, payloads: list[bytes]) -> None:
    frames, defects = from_records(tmp_path, payloads)
    assert not frames and "expected 0 or 1" in defects[-1].detail


def test_repeated_and_missing_records(tmp_path: Path) -> None:
    frames, defects = from_records(tmp_path, [record(0), record(1), record(1), record(2)])
    assert [f.index for f in frames] == [0, 50] and [d.reason for d in defects] == [Reason.DUPLICATE_ID]
    frames, defects = from_records(tmp_path, [record(0, total_frames=[9]), record(1, total_frames=[9])])
    assert len(frames) == 2 and "total_frames is 9" in defects[0].detail
    assert from_records(tmp_path, [record(0), record(1)])[1] == []  # a last second less is tolerated


def test_whose_video_a_record_file_is(tmp_path: Path) -> None:
    as_records(ROOT, tmp_path / "inside", names="part-{n:05d}")
    assert [v.id for v in opened(tmp_path / "inside").videos()] == ["video01", "video02", "video41", "video49"]
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "part-00000").write_bytes(tfrecord([record(0, video_id=[b"7"])]))
    with pytest.raises(LayoutError, match=r"part-00000 does not say which video"):
        opened(tmp_path / "none").videos()
    (tmp_path / "all").mkdir()
    for n in range(80):
        (tmp_path / "all" / f"part-{n:05d}").write_bytes(tfrecord([record(0, video_id=[b"x"])]))
    ids = [(v.id, v.files[0].name) for v in opened(tmp_path / "all").videos()]
    assert ids[0] == ("video01", "part-00000") and ids[-1] == ("video80", "part-00079")
