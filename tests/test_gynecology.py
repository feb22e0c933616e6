"""SurgicalActions160, LapGyn4, GLENDA: clips of unknown length, images in several folders, two kinds of outlines."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from surgsigma_hub.records import Coverage, Defect, Fact, Frame, Label, Reason, VideoFrame
from surgsigma_hub.registry import get_source
from surgsigma_hub.source import Source
from surgsigma_hub.source.layout import hash_split

from conftest import FIXTURES
from fixture_kit import image, mask
from footage_files import seen


def read(source: Source) -> tuple[dict[str, list[Frame]], list[Defect]]:
    frames: dict[str, list[Frame]] = {}
    defects: list[Defect] = []
    for video in source.videos():
        for one in seen(source, video).frames():
            if isinstance(one, Defect):
                defects.append(one)
            else:
                frames.setdefault(video.id, []).append(one)
    return frames, defects


def test_a_clip_has_its_action_as_far_as_its_film_goes() -> None:
    frames, defects = read(get_source("surgicalactions160")(FIXTURES / "surgicalactions160"))
    assert not defects
    found = {id: [f.image.index for f in own if isinstance(f.image, VideoFrame)] for id, own in frames.items()}
    assert (found["01_01"], found["01_10"], found["14_01"]) == ([0, 25, 50], [0, 25, 50, 75, 100, 125], [0, 25, 50])
    assert {f.actions for f in frames["05_03"]} == {(Label("Dissection (thermal)"),)}
    source = get_source("surgicalactions160")(FIXTURES / "surgicalactions160")
    (segment,) = getattr(source.course(source.videos()[0]), "segments", ())
    assert (segment.start_known, segment.end_known, segment.end_seconds) == (False, False, 2.04)


def test_a_clip_of_no_known_class_is_told(tmp_path: Path) -> None:
    (tmp_path / "17_other").mkdir()
    shutil.copy(FIXTURES / "surgicalactions160" / "02_class" / "02_02.mp4", tmp_path / "17_other" / "17_01.mp4")
    frames, (defect,) = read(get_source("surgicalactions160")(tmp_path))
    assert not frames and defect.reason is Reason.LABEL_UNKNOWN and "class 17" in defect.detail


def test_the_classes_of_the_readme_are_those_that_are_read(real: Path) -> None:
    text = (real / "surgicalactions160" / "README.original.md").read_text("utf-8")
    named = dict(re.findall(r"^([0-9]{2}): (.+?)  ", text, re.MULTILINE))
    source = get_source("surgicalactions160")(FIXTURES / "surgicalactions160")
    frames, _ = read(source)
    said = {id[:2]: own[0].actions[0].native for id, own in frames.items() if own[0].actions}
    assert said == {number: name.strip() for number, name in named.items()} and len(said) == 16
    assert "min: 51 frames, max: 126 frames" in text


# ------------------------------------------------------------------------------------------------------------- LapGyn4


def test_an_image_has_the_classes_of_all_folders_of_its_part() -> None:
    frames, (counted,) = read(get_source("lapgyn4")(FIXTURES / "lapgyn4"))
    assert counted.reason is Reason.QUESTION_UNTYPED and counted.moments == 3
    (twice,) = frames["c0_v5_actions"]
    assert twice.actions == (Label("Coagulation"), Label("Suction_Irrigation")) and twice.tissues is None
    sewn = {f.index: f for f in frames["c0_v5_sewing"]}
    assert sewn[200].tissues == (Label("Uterus"),) and sewn[200].actions == (Label("Suturing"),)
    assert sewn[400].tissues is None and sewn[400].actions == (Label("Suturing"),)
    (shown,) = frames["c2_v6_structures"]
    assert shown.tissues == (Label("Ovary"),) and shown.coverage[Fact.TISSUES] is Coverage.ANNOTATED_ONLY


def test_images_of_a_case_are_in_one_split_whatever_their_part(tmp_path: Path) -> None:
    for n in range(12):
        image(tmp_path / "Surgical_Actions" / "Suturing" / f"c_{n}_v_1_f_2.jpg", n)
        image(tmp_path / "Anatomical_Structures" / "Uterus" / f"c_{n}_v_9_f_2.jpg", n)
    videos = get_source("lapgyn4")(tmp_path).videos()
    assert len({v.canonical_id for v in videos}) == 12 and len({(v.canonical_id, v.split) for v in videos}) == 12
    assert len({v.split for v in videos}) > 1


def test_a_folder_of_another_name_is_told(tmp_path: Path) -> None:
    image(tmp_path / "Surgical_Actions" / "Knitting" / "c_1_v_1_f_2.jpg", 3)
    frames, (defect,) = read(get_source("lapgyn4")(tmp_path))
    assert not frames and defect.reason is Reason.LABEL_UNKNOWN and "Knitting" in defect.detail


# -------------------------------------------------------------------------------------------------------------- GLENDA


def test_outlines_of_version_15_are_boxes_by_where_the_disease_grows() -> None:
    frames, defects = read(get_source("glenda")(FIXTURES / "glenda"))
    assert not defects and sorted(frames) == ["c100_v3062", "c100_v3063", "c1_v11", "c9_v12"]
    (first,) = frames["c100_v3062"]
    assert first.index == 1458 and [b.label.native for b in first.tissue_boxes or ()] == ["Peritoneum"] * 2
    assert [b.label.native for b in frames["c1_v11"][0].tissue_boxes or ()] == ["Uterus", "DIE"]
    assert [b.label.native for b in frames["c100_v3063"][0].tissue_boxes or ()] == ["Ovary"], "background is none"


def version_10(root: Path) -> Path:
    home = root / "DS" / "pathology"
    for frame in (1299, 1305):
        image(home / "frames" / "v_7_s_1299-1305" / f"f_{frame}.jpg", frame)
    drawn = home / "annotations" / "v_7_s_1299-1305"
    mask(drawn / "f_1299" / "ovary_a_848.png", {255: (24, 16, 48, 48)})
    mask(drawn / "f_1299" / "die_a_849.png", {(200, 30, 30): (60, 16, 90, 48)})
    mask(drawn / "f_1305" / "uterus_a_850.png", {255: (0, 0, 96, 64)})
    mask(drawn / "f_1306" / "peritoneum_a_851.png", {255: (0, 0, 30, 30)})
    return root


def test_masks_of_version_10_give_the_same_boxes(tmp_path: Path) -> None:
    source = get_source("glenda")(version_10(tmp_path))
    frames, defects = read(source)
    ((frame,),) = frames.values()
    assert [(b.label.native, b.box.x1, b.box.y2) for b in frame.tissue_boxes or ()] == [
        ("DIE", 60 / 96, 0.75),
        ("Ovary", 0.25, 0.75),
    ]
    (video,) = source.videos()
    assert (video.id, video.canonical_id, video.split) == ("v7", "glenda/v7", hash_split("v7", source.hashed))
    assert [d.reason for d in defects] == [Reason.LABEL_CORRUPT, Reason.MEDIA_MISSING]


@pytest.mark.parametrize(("name", "words"), [("lapgyn4", "Surgical_Actions/"), ("glenda", "coco.json")])
def test_a_folder_without_any_of_it_shows_the_layout(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(Exception, match=re.escape(words)):
        get_source(name)(tmp_path).videos()
