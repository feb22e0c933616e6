"""The CholecT50 loader: what it reads out of its fixture, splits and layouts."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from surgsigma_hub.errors import LayoutError, UnknownNameError
from surgsigma_hub.ontology import native_names, resolve_frame
from surgsigma_hub.parsers.releases.triplet_vectors import NAMES
from surgsigma_hub.records import Box, Fact, FileImage, Frame, Label, LabeledBox, Reason, Triplet
from surgsigma_hub.source import Options, Part

from chole_files import label_file, pictures
from cholect50_reading import GRASP, ROOT, CholecT50, read


def triplet(text: str) -> Triplet:
    i, v, t = text.split(",")
    return Triplet(Label(i), Label(v), Label(t))


# ------------------------------------------------------------------------------------------------------ good files


def test_the_facts_of_the_fixture() -> None:
    frames, defects = read(ROOT, "VID01")
    assert defects == [] and list(frames) == [0, 2, 10]
    picture = {n: FileImage(ROOT / "videos" / "VID01" / f"{n:06d}.png") for n in frames}
    assert frames[0] == Frame(
        index=0, fps=1, image=picture[0], phase=Label("preparation"),
        instruments=(), tissues=(), actions=(), triplets=(),
    )  # fmt: skip
    assert frames[2] == Frame(
        index=2,
        fps=1,
        image=picture[2],
        phase=Label("preparation"),
        instruments=(Label("grasper"),),
        tissues=(Label("gallbladder"),),
        actions=(Label("retract"),),
        triplets=(triplet("grasper,null_verb,null_target"), triplet("grasper,retract,gallbladder")),
    )
    assert frames[10] == Frame(
        index=10,
        fps=1,
        image=picture[10],
        phase=Label("carlot-triangle-dissection"),
        instruments=(Label("grasper"), Label("hook")),
        tissues=(Label("gallbladder"),),
        actions=(Label("retract"), Label("dissect")),
        triplets=(triplet("grasper,retract,gallbladder"), triplet("hook,dissect,gallbladder")),
    )


def test_repeated_words_are_named_once_and_in_order() -> None:
    frames, _ = read(ROOT, "VID06")
    assert [x.native for x in frames[0].actions or ()] == ["retract", "dissect"]
    assert [x.native for x in frames[0].tissues or ()] == ["gallbladder", "liver"]
    assert [x.native for x in frames[0].instruments or ()] == ["grasper", "hook"]
    assert len(frames[0].triplets or ()) == 3


def test_null_verb_and_target_keep_the_instrument_and_the_triplet() -> None:
    frames, _ = read(ROOT, "VID111")
    assert frames[0].instruments == (Label("clipper"),)
    assert frames[0].triplets == (triplet("clipper,null_verb,null_target"),)
    assert frames[0].actions == () and frames[0].tissues == ()


def test_boxes_where_the_file_has_them() -> None:
    frames, defects = read(ROOT, "VID74")
    assert defects == []
    assert frames[6].instrument_boxes == (
        LabeledBox(Label("grasper"), Box(0.125, 0.25, 0.375, 0.75)),
        LabeledBox(Label("hook"), Box(0.5, 0.25, 0.75, 0.5)),
    )
    assert frames[19].instrument_boxes == (LabeledBox(Label("hook"), Box(0.5, 0.5, 1.0, 0.75), clipped=True),)
    assert read(ROOT, "VID01")[0][2].instrument_boxes is None


def test_boxes_of_cropped_images_are_not_laid_over_whole_ones(tmp_path: Path) -> None:
    root = Path(shutil.copytree(ROOT, tmp_path / "copy"))
    for path in (root / "videos/VID74").iterdir():
        Image.new("RGB", (854, 480), (90, 60, 50)).save(path)
    frames, defects = read(root, "VID74")
    assert all(f.instrument_boxes is None for f in frames.values()) and frames[6].instruments
    assert any(d.reason is Reason.FOOTAGE_CONTRADICTS and "854x480" in d.detail for d in defects)


def test_every_label_of_the_fixture_resolves_and_the_vocabulary_is_the_ontologys() -> None:
    source = CholecT50(ROOT)
    for video in source.videos():
        for frame in source.frames(video):
            assert isinstance(frame, Frame)
            assert frame.facts() <= CholecT50.info.facts
            resolve_frame("cholect50", frame)
    kinds = {"instrument": "instrument", "verb": "action", "target": "target", "phase": "phase"}
    assert {(kinds[k], name) for k, names in NAMES.items() for name in names} == set(native_names("cholect50"))


def test_the_parent_will_do_and_places_are_relative_to_what_was_given(tmp_path: Path) -> None:
    shutil.copytree(ROOT, tmp_path / "up" / "CholecT50")
    (tmp_path / "up" / "__MACOSX" / "labels").mkdir(parents=True)
    (tmp_path / "up" / "__MACOSX" / "videos").mkdir()
    (tmp_path / "up" / "CholecT50" / "videos" / "VID08" / "000001.png").unlink()
    (tmp_path / "up" / "CholecT50" / "labels" / "VID06.json").write_text("{")
    assert read(tmp_path / "up", "VID08")[1][0].where == "CholecT50/videos/VID08"
    (cut,) = read(tmp_path / "up", "VID06")[1]
    assert cut.where == "CholecT50/labels/VID06.json" and "character 1" in cut.detail
    with pytest.raises(LayoutError):
        CholecT50(tmp_path).videos()  # two levels up


def test_jpeg_pictures_and_strays(tmp_path: Path) -> None:
    label_file(tmp_path, "VID01", {"1": [GRASP], "2": [GRASP], "3": [GRASP]})
    pictures(tmp_path, "VID01", [1, 2], suffix="jpg")
    pictures(tmp_path, "VID01", [2, 4])
    for name in ("000003 (1).png", "3.png", "0000003.png", ".000003.png", "000003.bmp"):
        (tmp_path / "videos" / "VID01" / name).write_bytes(b"")
    frames, defects = read(tmp_path, "VID01")
    assert [getattr(frames[n].image, "path").name for n in frames] == ["000001.jpg", "000002.png"]  # noqa: B009
    assert [(d.reason, d.where) for d in defects] == [(Reason.MEDIA_MISSING, "VID01/3")]


# ----------------------------------------------------------------------------------------------- splits and layout


def test_split_schemes_have_the_published_sizes(tmp_path: Path) -> None:
    numbers = [p.stem for p in _empty_release(tmp_path)]
    tests: list[str] = []
    for scheme, sizes in {
        "rendezvous": (35, 5, 10),
        "challenge": (40, 5, 5),
        **{f"crossval-{n}": (35, 5, 10) for n in range(1, 6)},
    }.items():
        videos = list(CholecT50(tmp_path, Options(split_scheme=scheme)).videos())
        assert [v.id for v in videos] == sorted(numbers, key=lambda v: int(v[3:]))
        count = Counter(v.split for v in videos)
        assert (count["train"], count["val"], count["test"]) == sizes
        if scheme.startswith("crossval"):
            tests += [v.id for v in videos if v.split == "test"]
    assert sorted(tests) == sorted(numbers)
    assert next(iter(CholecT50.info.split_schemes)) == "rendezvous"


def test_split_of_known_videos(tmp_path: Path) -> None:
    _empty_release(tmp_path)

    def members(scheme: str, split: str) -> set[int]:
        source = CholecT50(tmp_path, Options(split_scheme=scheme))
        return {int(v.id[3:]) for v in source.videos() if v.split == split}

    assert members("rendezvous", "val") == {8, 12, 29, 50, 78}
    assert members("challenge", "test") == {92, 96, 103, 110, 111}
    assert members("crossval-1", "test") == {79, 2, 51, 6, 25, 14, 66, 23, 50, 111}
    assert members("crossval-1", "val") == {1, 56, 4, 13, 92}  # the last five of fold 5
    assert members("crossval-5", "val") == {75, 22, 49, 12, 110}  # the last five of fold 4


def test_canonical_ids_say_which_surgeries_are_cholec80s(tmp_path: Path) -> None:
    _empty_release(tmp_path)
    canonical = {v.id: v.canonical_id for v in CholecT50(tmp_path).videos()}
    assert len(canonical) == 50
    own = {"VID92", "VID96", "VID103", "VID110", "VID111"}
    assert {k: v for k, v in canonical.items() if v.startswith("cholect50/")} == {k: f"cholect50/{k}" for k in own}
    assert canonical["VID01"] == "cholec80/video01" and canonical["VID80"] == "cholec80/video80"


def _empty_release(folder: Path) -> list[Path]:
    numbers = [1, 2, 4, 5, 6, 8, 10, 12, 13, 14, 15, 18, 22, 23, 25, 26, 27, 29, 31, 32, 35, 36, 40, 42, 43, 47, 48, 49]
    numbers += [50, 51, 52, 56, 57, 60, 62, 65, 66, 68, 70, 73, 74, 75, 78, 79, 80, 92, 96, 103, 110, 111]
    return [label_file(folder, f"VID{n:02d}", {}) for n in numbers]


def test_wrong_roots_show_the_layout(tmp_path: Path) -> None:
    for make in ((), ("labels",), ("videos",), ("labels", "videos")):
        for name in make:
            (tmp_path / name).mkdir(exist_ok=True)
        with pytest.raises(LayoutError, match=r"labels/VID01.json"):
            CholecT50(tmp_path).videos()
    with pytest.raises(LayoutError, match="request form"):
        CholecT50(None)
    with pytest.raises(UnknownNameError, match="crossval-1"):
        CholecT50(ROOT, Options(split_scheme="crossval-7"))


def test_two_copies_and_two_files_of_one_video_are_not_chosen_between(tmp_path: Path) -> None:
    for name in ("a", "b"):
        label_file(tmp_path / name, "VID01", {})
    with pytest.raises(LayoutError, match="several copies"):
        CholecT50(tmp_path).videos()
    label_file(tmp_path / "a", "VID1", {})
    with pytest.raises(LayoutError, match=r"VID01\S* and \S*VID1\S* are the same video"):
        CholecT50(tmp_path / "a").videos()


def test_videos_that_the_scheme_does_not_know_are_told(tmp_path: Path) -> None:
    for video in ("VID01", "VID03", "VID200"):
        label_file(tmp_path, video, {"0": [GRASP]})
        pictures(tmp_path, video, [0])
    assert [len(read(tmp_path, video)[0]) for video in ("VID01", "VID03", "VID200")] == [1, 0, 0]
    (defect,) = read(tmp_path, "VID200")[1]
    assert "in no split of scheme rendezvous (train 35 videos, test 10 videos, val 5 videos)" in defect.detail


def test_pictures_without_labels_and_labels_without_pictures_are_told(tmp_path: Path) -> None:
    label_file(tmp_path, "VID01", {"0": [GRASP], "5": [GRASP]})
    (tmp_path / "videos" / "VID01").rmdir()
    pictures(tmp_path, "VID02", [0])
    assert [(d.reason, d.where, d.moments) for d in read(tmp_path, "VID01")[1]] == [
        (Reason.MEDIA_MISSING, "videos/VID01", 2)
    ]
    frames, (defect,) = read(tmp_path, "VID02")
    assert not frames and "labels/VID02.json" in defect.detail


def test_info_is_what_the_terms_say() -> None:
    info = CholecT50.info
    assert info.license == "cc-by-nc-sa-4.0" and info.access == "request"
    assert info.terms.published == (Part.ANNOTATIONS,)
    assert Fact.INSTRUMENT_BOXES in info.facts and Fact.TISSUE_BOXES not in info.facts
