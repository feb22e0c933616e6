"""The Kvasir-VQA loader: lists that three questions make, answers of several names, tables of other forms."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.records import Defect, Fact, Frame, Label, Reason
from surgsigma_hub.registry import get_source

from conftest import FIXTURES

Loader = get_source("kvasir_vqa")
ROOT = FIXTURES / "kvasir_vqa"


def read(root: Path) -> tuple[dict[str, Frame], list[Defect]]:
    source = Loader(root)
    items = [(v.id, one) for v in source.videos() for one in source.frames(v)]
    return {v: f for v, f in items if isinstance(f, Frame)}, [d for _, d in items if isinstance(d, Defect)]


def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "kvasir_vqa"))


def add(root: Path, *rows: tuple[str, str, str]) -> None:
    with (root / "metadata.csv").open("a", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(("HyperKvasir", *row) for row in rows)


def test_names_of_an_answer_and_none() -> None:
    frames, defects = read(ROOT)
    assert frames["cl8aaaa"].instruments == (Label("polyp snare"), Label("metal clip"))
    assert frames["cl8aaaa"].tissues == (Label("polyp"),) and frames["cl8cccc"].instruments == ()
    assert frames["cl8dddd"].tissues == (Label("oesophagitis"), Label("barretts"), Label("z-line"))
    assert frames["cl8aaaa"].asked[Fact.INSTRUMENTS].answer == "polyp snare; metal clip"
    assert all(f.holds_all(Fact.TISSUES) for f in frames.values())
    assert {d.reason for d in defects} == {Reason.QUESTION_UNTYPED, Reason.LABEL_MISSING} and "cl8gggg" not in frames


def test_without_one_of_its_questions_a_list_is_not_whole(tmp_path: Path) -> None:
    root = copied(tmp_path)
    add(root, ("Are there any abnormalities in the image?", "polyp", "cl8gggg"))
    frame = read(root)[0]["cl8gggg"]
    assert frame.tissues == (Label("polyp"),) and not frame.holds_all(Fact.TISSUES) and frame.instruments is None


@pytest.mark.parametrize(
    ("row", "reason", "words"),
    [
        (("Are there any instruments in the image?", "tube", "cl8cccc"), Reason.DUPLICATE_ID, "another answer"),
        (("Is there text?", "yes", "cl8zzzz"), Reason.MEDIA_MISSING, "images/cl8zzzz.jpg"),
        (("Is there text?", "yes", ""), Reason.ROW_MALFORMED, "names no image"),
        (("Is it raining?", "yes", "cl8cccc"), Reason.TYPE_UNKNOWN, "raining"),
    ],
)
def test_rows_that_do_not_fit_are_told(tmp_path: Path, row: tuple[str, str, str], reason: Reason, words: str) -> None:
    root = copied(tmp_path)
    add(root, row)
    frames, defects = read(root)
    (defect,) = (d for d in defects if d.reason is reason)
    assert words in defect.detail and ("cl8cccc" in frames) is (reason is not Reason.DUPLICATE_ID)


def test_questions_may_stay_in_parquet(tmp_path: Path) -> None:
    root = copied(tmp_path)
    with (root / "metadata.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    (root / "metadata.csv").unlink()
    (root / "data").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), root / "data" / "raw-00000-of-00001.parquet")
    frames, wanted = read(root)[0], read(ROOT)[0]
    assert {v: (f.instruments, f.tissues) for v, f in frames.items()} == {
        v: (f.instruments, f.tissues) for v, f in wanted.items()
    }


def test_images_are_wanted_as_files(tmp_path: Path) -> None:
    root = copied(tmp_path)
    shutil.rmtree(root / "images")
    with pytest.raises(LayoutError, match="no folder images"):
        Loader(root).videos()
