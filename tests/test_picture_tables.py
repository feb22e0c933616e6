"""Pictures inside parquet: the same samples as of the native layouts, and what hostile files cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from surgsigma_hub.errors import BadRowError, LayoutError, SurgSigmaError
from surgsigma_hub.parsers import picture_tables
from surgsigma_hub.parsers.picture_tables import PictureRow, read_picture_table, unpacked
from surgsigma_hub.records import Defect, FileImage, Frame, Reason, Video
from surgsigma_hub.registry import get_source

import hub_tables
from conftest import FIXTURES

JPEG = (FIXTURES / "kvasir_vqa" / "images" / "cl8aaaa.jpg").read_bytes()


def said(name: str, root: Path, cache: Path) -> tuple[dict[tuple[str, str], list[Frame]], list[Defect], list[Video]]:
    """Frames by video and split, images by their bytes, and what is left out."""
    source = get_source(name)(root, cache_dir=cache)
    frames: dict[tuple[str, str], list[Frame]] = {}
    defects: list[Defect] = []
    for video in source.videos():
        for one in source.frames(video):
            if isinstance(one, Defect):
                defects.append(one)
                continue
            assert isinstance(one.image, FileImage)
            pixels: Any = one.image.path.read_bytes()
            frames.setdefault((video.id, video.split), []).append(replace(one, image=pixels))
    return frames, defects, source.videos()


@pytest.mark.parametrize("raters", [False, True])
def test_dsad_of_the_hub_gives_the_samples_of_the_release(tmp_path: Path, raters: bool) -> None:
    hub_tables.dsad(FIXTURES / "dsad", tmp_path / "hub", raters=raters)
    native, mirror = (said("dsad", root, tmp_path / "cache") for root in (FIXTURES / "dsad", tmp_path / "hub"))
    assert mirror[0] == native[0] and sum(map(len, mirror[0].values())) == 6 and not mirror[1]
    assert [v.canonical_id for v in mirror[2]] == [v.canonical_id for v in native[2]]
    assert {path.suffix for video in mirror[2] for path in video.files} == {".parquet"}


def test_dsad_without_numbers_of_operations_says_so_and_keeps_the_splits_of_its_files(tmp_path: Path) -> None:
    hub_tables.dsad(FIXTURES / "dsad", tmp_path / "hub", named=False, raters=True)
    frames, defects, _ = said("dsad", tmp_path / "hub", tmp_path / "cache")
    assert {key: len(of) for key, of in frames.items()} == {
        ("hub_test", "test"): 2,
        ("hub_train", "train"): 3,
        ("hub_val", "val"): 1,
    }
    assert [d.reason for d in defects] == [Reason.LABEL_MISSING] * 3 and "name no operation" in defects[0].detail
    (few,) = frames["hub_val", "val"]
    assert [label.native for label in few.tissues or ()] == ["vesicular_glands"]


def test_kvasir_vqa_of_the_hub_gives_the_samples_of_saved_images(tmp_path: Path) -> None:
    hub_tables.kvasir_vqa(FIXTURES / "kvasir_vqa", tmp_path / "hub")
    native, mirror = (said("kvasir_vqa", root, tmp_path / "c") for root in (FIXTURES / "kvasir_vqa", tmp_path / "hub"))
    told = [[(d.reason, d.detail) for d in one[1]] for one in (native, mirror)]
    assert mirror[0] == native[0] and len(mirror[0]) == 6 and told[0] == told[1]


@pytest.mark.parametrize("kind", ["columns", "path"])
def test_cholecseg8k_of_the_hub_gives_the_samples_of_the_release(kind: str, tmp_path: Path) -> None:
    hub_tables.cholecseg8k(FIXTURES / "cholecseg8k", tmp_path / "hub", kind)
    native, mirror = (
        said("cholecseg8k", root, tmp_path / "c") for root in (FIXTURES / "cholecseg8k", tmp_path / "hub")
    )
    assert [[(f.index, f.image, f.tissue_boxes, f.instruments) for f in one] for one in mirror[0].values()] == [
        [(f.index, f.image, f.tissue_boxes, f.instruments) for f in one] for one in native[0].values()
    ]
    assert sum(map(len, mirror[0].values())) > 3 and mirror[0].keys() == native[0].keys() and not mirror[1]
    assert [v.canonical_id for v in mirror[2]] == [v.canonical_id for v in native[2]]


def test_cholecseg8k_without_names_of_operations_is_refused_with_what_to_do(tmp_path: Path) -> None:
    hub_tables.cholecseg8k(FIXTURES / "cholecseg8k", tmp_path / "hub", "nothing")
    words = "1 parquet files can be used; the first: no video and frame in columns .*Use the archive of the homepage"
    with pytest.raises(LayoutError, match=words):
        said("cholecseg8k", tmp_path / "hub", tmp_path / "c")


def test_pictures_are_unpacked_once_and_only_into_a_cache(tmp_path: Path) -> None:
    hub_tables.kvasir_vqa(FIXTURES / "kvasir_vqa", tmp_path / "hub")
    for _ in range(2):
        said("kvasir_vqa", tmp_path / "hub", tmp_path / "cache")
    assert len([path for path in (tmp_path / "cache").iterdir() if path.is_dir()]) == 1
    with pytest.raises(SurgSigmaError, match="only after they were unpacked"):
        get_source("kvasir_vqa")(tmp_path / "hub").videos()


def rows_of(path: Path) -> tuple[list[PictureRow], list[Defect]]:
    items = list(read_picture_table(path, "a.parquet"))
    return [i for i in items if isinstance(i, PictureRow)], [i for i in items if isinstance(i, Defect)]


def test_columns_are_told_by_their_type(tmp_path: Path) -> None:
    lists = pa.array(
        [[{"bytes": JPEG, "path": "x/1.jpg"}, {"bytes": JPEG, "path": None}], []], pa.list_(hub_tables.PICTURE)
    )
    columns = {"one": pa.array([JPEG, None]), "many": lists, "said": pa.array([{"organ": "liver"}, None]), "n": [1, 2]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    (first, second), defects = rows_of(tmp_path / "a.parquet")
    assert not defects and set(first.pictures) == {"one", "many.0", "many.1"} and first.names == {"many.0": "x/1.jpg"}
    assert first.values == {"said.organ": "liver", "n": 1} and not second.pictures and second.number == 1


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + b"\0" * 64 + b"PAR1", b"not a table", JPEG])
def test_what_is_no_parquet_is_our_own_error(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises(BadRowError, match="parquet that cannot be read"):
        rows_of(tmp_path / "a.parquet")
    for name in ("dsad", "kvasir_vqa"):
        with pytest.raises(LayoutError):
            get_source(name)(tmp_path, cache_dir=tmp_path / "cache").videos()


def test_a_table_without_pictures_says_what_it_has(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": ["a.jpg"], "organ": [3]}), tmp_path / "a.parquet")
    with pytest.raises(BadRowError, match="no column holds images; it has image, organ"):
        rows_of(tmp_path / "a.parquet")


def test_a_cell_that_is_no_picture_or_too_large_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_tables, "_MOST_CELL", len(JPEG))
    hub_tables.write(tmp_path / "a.parquet", [{"image": cell} for cell in (JPEG, b"GIF89a", JPEG + b"\0", JPEG)])
    rows, defects = rows_of(tmp_path / "a.parquet")
    assert [len(row.pictures) for row in rows] == [1, 0, 0, 1]
    assert [(d.reason, d.where) for d in defects] == [
        (Reason.MEDIA_UNREADABLE, "a.parquet row 1"),
        (Reason.MEDIA_TOO_LARGE, "a.parquet row 2"),
    ]


def test_a_row_group_that_is_damaged_or_too_large_costs_its_own_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    hub_tables.write(path, [{"image": JPEG + bytes(n), "n": n} for n in range(6)], group=2)
    about = pq.read_metadata(path).row_group(1).column(0)
    data = bytearray(path.read_bytes())
    data[about.data_page_offset : about.data_page_offset + 40] = b"\xff" * 40
    path.write_bytes(bytes(data))
    rows, (defect,) = rows_of(path)
    assert [row.values["n"] for row in rows] == [0, 1, 4, 5] and [row.number for row in rows] == [0, 1, 4, 5]
    assert (defect.where, defect.moments) == ("a.parquet rows 2 to 3", 2)
    monkeypatch.setattr(picture_tables, "_MOST_GROUP", 10)
    rows, defects = rows_of(path)
    assert not rows and {d.reason for d in defects} == {Reason.MEDIA_TOO_LARGE} and sum(d.moments for d in defects) == 6


@pytest.mark.parametrize("png", [False, True])
def test_two_pictures_under_one_name_are_none_since_the_labels_are_of_one_of_them(tmp_path: Path, png: bool) -> None:
    place = "dsad/liver/02/image00.png" if png else "kvasir_vqa/images/cl8bbbb.jpg"
    other = (FIXTURES / place).read_bytes()
    asks = {"question": "Are there any instruments in the image?"}
    row = {**asks, "answer": "tube", "image": JPEG, "img_id": "same"}
    good = {**row, "img_id": "good"}
    hub_tables.write(tmp_path / "hub" / "a.parquet", [row, good, {**row, "image": other, "answer": "none"}, good])
    assert other.startswith(b"\x89PNG") is png and other != JPEG
    frames, defects, videos = said("kvasir_vqa", tmp_path / "hub", tmp_path / "cache")
    assert [v.id for v in videos] == ["good"] and len(frames) == 1
    told = {d.reason: d.detail for d in defects}
    assert told[Reason.DUPLICATE_ID] == "images/same.jpg is in the tables with different content: it is left out"
    assert "1 images that have questions are missing; the first is images/same.jpg" in told[Reason.MEDIA_MISSING]


def test_two_pictures_of_dsad_under_one_number_are_none(tmp_path: Path) -> None:
    home = FIXTURES / "dsad" / "liver"
    rows = [
        {"image": path.read_bytes(), "mask": path.with_name(path.name.replace("image", "mask")).read_bytes(),
         "organ": "liver", "surgery_id": 2, "frame": number}
        for path, number in zip(sorted(home.glob("*/image*.png")), (0, 0, 1), strict=False)
    ]  # fmt: skip
    assert len({row["image"] for row in rows}) == len(rows) > 1
    hub_tables.write(tmp_path / "hub" / "train.parquet", [*rows, {**rows[0], "frame": 9}])
    frames, defects, _ = said("dsad", tmp_path / "hub", tmp_path / "cache")
    pictures = [frame.image for of in frames.values() for frame in of]
    assert pictures.count(rows[0]["image"]) == 1 and rows[1]["image"] not in pictures
    assert "liver/02/image00.png is in the tables with different content: it is left out" in {d.detail for d in defects}


@pytest.mark.parametrize("id", ["../../out", "/etc/x", "a/../b", "a\\b", "a" * 300, "", None, "x\0"])
def test_a_name_in_a_table_leads_nowhere_else(tmp_path: Path, id: str | None) -> None:
    row = {"question": "Are there any instruments in the image?", "answer": "tube", "image": JPEG}
    hub_tables.write(tmp_path / "hub" / "raw.parquet", [{**row, "img_id": "good"}, {**row, "img_id": id}])
    frames, defects, videos = said("kvasir_vqa", tmp_path / "hub", tmp_path / "cache")
    assert [v.id for v in videos] == ["good"] and len(frames) == 1
    assert {Reason.ROW_MALFORMED, Reason.MEDIA_MISSING} & {d.reason for d in defects}
    assert {p.name for p in tmp_path.iterdir()} == {"hub", "cache"}


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"organ": "brain"}, Reason.LABEL_UNKNOWN, "no organ that DSAD has"),
        ({"organ": 7}, Reason.LABEL_UNKNOWN, "no organ that DSAD has"),
        ({"image": None}, Reason.ROW_MALFORMED, "no image"),
        ({"mask": None}, Reason.ROW_MALFORMED, "no mask"),
    ],
)
def test_a_row_of_dsad_that_cannot_be_used_is_told(
    tmp_path: Path, change: dict[str, Any], reason: Reason, words: str
) -> None:
    home = FIXTURES / "dsad" / "liver" / "02"
    row = {"image": (home / "image00.png").read_bytes(), "mask": (home / "mask00.png").read_bytes(), "organ": "liver"}
    hub_tables.write(tmp_path / "hub" / "train.parquet", [{**row, **change}])
    with pytest.raises(LayoutError, match=f"no row of its 1 parquet files can be used; the first: {words}"):
        said("dsad", tmp_path / "hub", tmp_path / "cache")
    hub_tables.write(tmp_path / "hub" / "test.parquet", [row])
    frames, defects, _ = said("dsad", tmp_path / "hub", tmp_path / "cache")
    assert list(frames) == [("hub_test", "test")] and reason in {d.reason for d in defects}


def test_memory_does_not_grow_with_the_table(tmp_path: Path) -> None:
    noise = bytes(1 << 20)
    hub_tables.write(tmp_path / "a.parquet", [{"image": JPEG + noise} for _ in range(96)], group=96)
    before = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(before)
    pa.set_memory_pool(pool)
    try:
        laid: Iterator[Any] = read_picture_table(tmp_path / "a.parquet", "a.parquet")
        assert sum(isinstance(row, PictureRow) for row in laid) == 96
    finally:
        pa.set_memory_pool(before)
    assert pool.max_memory() < 48 << 20, "half of what the pictures take"


def test_no_room_is_our_own_error(tmp_path: Path) -> None:
    hub_tables.write(tmp_path / "a.parquet", [{"image": JPEG}])
    (tmp_path / "cache").write_bytes(b"a file where a folder should be")
    with pytest.raises(SurgSigmaError, match="cannot be unpacked into the cache"):
        unpacked([(tmp_path / "a.parquet", "a.parquet")], tmp_path / "cache", "x", lambda rows: [])
