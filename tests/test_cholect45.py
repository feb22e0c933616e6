"""The CholecT45 loader: tables without header, nulls, a list of triplets that says otherwise, published folds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.ontology import native_names
from surgsigma_hub.records import Defect, Frame
from surgsigma_hub.registry import get_source
from surgsigma_hub.source.layout import split_table

from conftest import FIXTURES
from footage_files import seen

CholecT45 = get_source("cholect45")
ROOT = FIXTURES / "cholect45"


def frames(root: Path, video: str) -> list[Frame]:
    source = CholecT45(root)
    (found,) = (v for v in source.videos() if v.id == video)
    return [f for f in seen(source, found).frames() if isinstance(f, Frame)]


def names(labels: object) -> list[str]:
    return [label.native for label in labels or ()]  # type: ignore[attr-defined]


def test_a_null_is_in_triplets_and_is_no_action() -> None:
    (idle,) = (f for f in frames(ROOT, "VID01") if f.index == 6)
    (triplet,) = idle.triplets or ()
    assert (triplet.instrument.native, triplet.action.native) == ("grasper", "null_verb")
    assert names(idle.instruments) == ["grasper"] and idle.actions == () and idle.tissues == ()


def test_triplets_pair_what_the_other_tables_only_list() -> None:
    both = frames(ROOT, "VID01")[3]
    assert sorted(names(both.instruments)) == ["grasper", "hook"] and both.triplets is not None
    assert {(t.instrument.native, t.action.native) for t in both.triplets} == {
        ("grasper", "retract"),
        ("hook", "dissect"),
    }


def test_verbs_that_go_on_together_are_segments_that_overlap() -> None:
    source = CholecT45(ROOT)
    course = source.course(source.videos()[0])
    assert course is not None
    assert [(s.label.native, s.start_seconds, s.end_seconds) for s in course.segments] == [
        ("retract", 1.0, 4.0),
        ("dissect", 3.0, 6.0),
        ("retract", 7.0, 9.0),
        ("retract", 10.0, 12.0),
        ("dissect", 10.0, 11.0),
    ]


def test_a_line_that_says_otherwise_is_told_once_and_another_list_is_refused(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "copy")
    path = tmp_path / "copy" / "dict" / "triplet.txt"
    whole = path.read_text()
    path.write_text(whole.replace(":", ", ", 3).replace("17:grasper", "17:hook"))
    source = CholecT45(tmp_path / "copy")
    told = [d for v in source.videos() for d in source.frames(v) if isinstance(d, Defect)]
    assert [d.where for d in told] == ["dict/triplet.txt line 18"]
    assert frames(tmp_path / "copy", "VID01") and len(frames(tmp_path / "copy", "VID43")) == 6
    path.write_text(
        whole.replace(",dissect,", ",cut,")
        .replace(",retract,", ",pull,")
        .replace("null_verb", "rest")
        .replace("grasp,", "x,")
        .replace(",coagulate,", ",burn,")
    )
    with pytest.raises(LayoutError, match=r"dict/triplet\.txt line 1"):
        CholecT45(tmp_path / "copy").videos()


def test_folds_are_a_partition_and_none_is_seen_before_its_test() -> None:
    table = split_table("cholect45")
    tested = [video for scheme in table.values() for video, split in scheme.items() if split == "test"]
    assert len(tested) == len(set(tested)) == 45
    assert all(
        sorted(list(scheme.values()).count(s) for s in ("train", "val", "test")) == [5, 9, 31]
        for scheme in table.values()
    )


def test_the_real_list_of_triplets_is_the_published_one(real: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "copy")
    shutil.copy(real / "cholect45" / "dict" / "triplet.from_cctpg.txt", tmp_path / "copy" / "dict" / "triplet.txt")
    assert len(CholecT45(tmp_path / "copy").videos()) == 2


def test_labels_are_those_of_cholect50() -> None:
    theirs = {key: id for key, id in native_names("cholect50").items() if key[0] != "phase"}
    assert native_names("cholect45") == theirs
