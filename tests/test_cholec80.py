"""The Cholec80 loader: three forms of one fabricated copy, and damage to its text tables."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
import yaml
from surgsigma_hub.errors import LayoutError, SurgSigmaError, UnknownNameError
from surgsigma_hub.ontology import native_names, resolve_frame
from surgsigma_hub.parsers.frame_tables import Flags, FrameTable, Text, read_frame_table
from surgsigma_hub.parsers.releases.cholec80_records import PHASES, TOOLS
from surgsigma_hub.records import Fact, FileImage, FileSlice, Label, Reason, Video, VideoFrame
from surgsigma_hub.registry import get_source

from chole_files import as_films, as_records, picture
from cholec80_reading import ROOT, Cholec80, facts, opened, read

HEADER = "Frame\t" + "\t".join(TOOLS) + "\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "cholec80"))


def edit(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


# ---------------------------------------------------------------------------------------------------- the three forms


def test_pictures_are_counted_from_one_and_labels_from_zero() -> None:
    frames, defects = read(ROOT, "video01")
    assert defects == []
    assert facts(frames) == [
        (0, "Preparation", []),
        (25, "Preparation", ["Grasper", "Hook"]),
        (50, "CalotTriangleDissection", ["Grasper", "Clipper"]),
        (75, "ClippingCutting", ["Scissors"]),
    ]
    folder = ROOT / "frames" / "video01"
    assert [f.image for f in frames] == [FileImage(folder / f"video01_{k:06d}.png") for k in (1, 2, 3, 4)]
    assert {f.fps for f in frames} == {25}


@pytest.mark.parametrize("first", [0, 1])
def test_the_three_forms_give_the_same_annotations(tmp_path: Path, first: int) -> None:
    films, records = as_films(ROOT, tmp_path / "films"), as_records(ROOT, tmp_path / "records", first=first)
    for video in ("video01", "video41", "video49"):
        plain, defects = read(ROOT, video)
        assert plain and not defects
        for root in (films, records):
            frames, defects = read(root, video)
            assert defects == []
            assert [replace(f, image=None) for f in frames] == [replace(f, image=None) for f in plain]
        for f in read(films, video)[0]:
            assert f.image == VideoFrame(films / "videos" / f"{video}.mp4", f.index)
        for ours, theirs in zip(read(records, video)[0], plain, strict=True):
            assert isinstance(ours.image, FileSlice) and isinstance(theirs.image, FileImage)
            held = ours.image.path.read_bytes()[ours.image.offset :][: ours.image.length]
            assert held == theirs.image.path.read_bytes()
    for name in ("id", "canonical_id", "split"):
        assert len({tuple(getattr(v, name) for v in opened(r).videos()) for r in (ROOT, films, records)}) == 1


def test_the_swapped_phases_of_the_records() -> None:
    assert PHASES[4] == "GallbladderRetraction" and PHASES[6] == "GallbladderPackaging"
    names = {("phase", p) for p in PHASES} | {("instrument", t) for t in TOOLS}
    assert names == set(native_names("cholec80"))


def test_every_label_resolves() -> None:
    source = opened(ROOT)
    for video in source.videos():
        for frame in source.frames(video):
            assert resolve_frame("cholec80", frame).facts() == Cholec80.info.facts - {Fact.PHASE_SEGMENTS, Fact.FOOTAGE}


@pytest.mark.parametrize("inside", [".", "cholec80", "cholec80/cholec80", "Data"])
def test_the_root_may_be_doubled_or_the_folder_above(tmp_path: Path, inside: str) -> None:
    shutil.copytree(ROOT, tmp_path / "root" / inside, dirs_exist_ok=True)
    shutil.copytree(ROOT, tmp_path / "root" / "__MACOSX", dirs_exist_ok=True)
    frames, defects = read(tmp_path / "root", "video01")
    assert len(frames) == 4 and defects == []


def test_the_form_can_be_chosen_where_a_copy_has_two(copy: Path) -> None:
    (copy / "videos").mkdir()
    (copy / "videos" / "video01.mp4").write_bytes(b"")
    (copy / "videos" / "video01-timestamp.txt").write_text("Time\tPhase\n")
    assert isinstance(read(copy, "video01")[0][0].image, FileImage)
    frames, _ = read(copy, "video01", form="mp4")
    assert frames[1].image == VideoFrame(copy / "videos" / "video01.mp4", 25)
    frames, defects = read(copy, "video41", form="mp4")
    assert not frames and [(d.reason, d.where) for d in defects] == [(Reason.MEDIA_MISSING, "videos/video41.mp4")]
    with pytest.raises(LayoutError, match="tfrecord"):
        opened(copy, form="tfrecord").videos()
    with pytest.raises(UnknownNameError):
        opened(copy, form="mp3")


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("{frame}.png", "{0}.png"), ("{second:05d}.jpg", "{1:05d}.jpg"), ("{video}-{image}.png", "video01-{2}.jpg")],
)
def test_pictures_that_the_user_extracted(copy: Path, pattern: str, name: str) -> None:
    folder = copy / "frames" / "video01"
    for second in range(4):
        (folder / f"video01_{second + 1:06d}.png").rename(folder / name.format(25 * second, second, second + 1))
    frames, defects = read(copy, "video01", frame_pattern=pattern)
    assert facts(frames) == facts(read(ROOT, "video01")[0]) and defects == []
    frames, (defect,) = read(copy, "video01")
    assert not frames and defect.where == "frames/video01" and "4 annotated moments" in defect.detail
    assert "frame_pattern" in defect.detail


@pytest.mark.parametrize("pattern", ["", "a.png", "{video}.png", "{nothing}.png", "{}.png", "{frame", "x/{frame}.png"])
def test_patterns_that_name_no_picture(pattern: str) -> None:
    with pytest.raises(SurgSigmaError, match="frame_pattern"):
        opened(ROOT, frame_pattern=pattern)


@pytest.mark.parametrize("form", ["png", "mp4", "tfrecord"])
def test_thinning_keeps_the_same_moments_in_every_form(tmp_path: Path, form: str) -> None:
    roots = {"png": lambda: ROOT, "mp4": lambda: as_films(ROOT, tmp_path / "a")}
    root = roots.get(form, lambda: as_records(ROOT, tmp_path / "a"))()
    assert [f.index for f in read(root, "video01", step_seconds="2")[0]] == [0, 50]
    assert [f.index for f in read(root, "video01", step_seconds="3")[0]] == [0, 75]
    with pytest.raises(SurgSigmaError):
        opened(root, step_seconds="0")


# ----------------------------------------------------------------------------------------------------- splits, roots


def test_splits(tmp_path: Path) -> None:
    for n in range(1, 82):
        (tmp_path / "frames" / f"video{n:02d}").mkdir(parents=True)
    (tmp_path / "tool_annotations").mkdir()

    def members(scheme: str) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for video in opened(tmp_path, split_scheme=scheme).videos():
            if video.id != "video81":
                found.setdefault(video.split, []).append(int(video.id[5:]))
        return found

    assert members("") == members("endonet") == {"train": list(range(1, 41)), "test": list(range(41, 81))}
    assert members("tecno") == {
        "train": list(range(1, 41)),
        "val": list(range(41, 49)),
        "test": list(range(49, 81)),
    }
    frames, (defect,) = read(tmp_path, "video81")
    assert not frames and defect.where == "video81" and "train 40 videos, test 40 videos" in defect.detail


def test_wrong_roots_show_the_layout(tmp_path: Path) -> None:
    for names in ((), ("phase_annotations",), ("videos",), ("readme",)):
        for name in names:
            (tmp_path / name).mkdir()
        with pytest.raises(LayoutError, match=r"video01-phase\.txt"):
            opened(tmp_path).videos()
    (tmp_path / "frames").mkdir()
    with pytest.raises(LayoutError, match="named after a video"):
        opened(tmp_path).videos()
    with pytest.raises(LayoutError, match="request form"):
        Cholec80(None)
    with pytest.raises(LayoutError, match="several copies"):
        shutil.copytree(ROOT, tmp_path / "two" / "a")
        shutil.copytree(ROOT, tmp_path / "two" / "b")
        opened(tmp_path / "two").videos()


def test_one_video_under_two_names(copy: Path) -> None:
    shutil.copytree(copy / "frames" / "video01", copy / "frames" / "1")
    with pytest.raises(LayoutError, match="1 and video01 are the same video"):
        opened(copy).videos()


# ------------------------------------------------------------------------------------------------------- text tables


def test_any_blank_parts_columns_and_the_header_gives_their_order(copy: Path) -> None:
    edit(copy / "phase_annotations" / "video01-phase.txt", lambda t: t.replace("\t", "  ").replace("\n", "\r\n"))
    lines = (copy / "tool_annotations" / "video01-tool.txt").read_text().split("\n")
    turned = "\n".join(" ".join([c[0], *reversed(c[1:])]) for line in lines if (c := line.split("\t")))
    (copy / "tool_annotations" / "video01-tool.txt").write_text(turned)
    frames, defects = read(copy, "video01")
    assert defects == [] and [set(i or ()) for _, _, i in facts(frames)] == [
        set(i or ()) for _, _, i in facts(read(ROOT, "video01")[0])
    ]


def test_a_missing_or_bad_tool_row_is_not_annotated_and_not_none_present(copy: Path) -> None:
    tools = copy / "tool_annotations" / "video01-tool.txt"
    edit(tools, lambda t: t.replace("25\t1\t0\t1\t0\t0\t0\t0\n", ""))
    frames, (defect,) = read(copy, "video01")
    assert facts(frames)[1] == (25, "Preparation", None) and facts(frames)[0] == (0, "Preparation", [])
    assert defect.where == "tool_annotations/video01-tool.txt" and "frame 25" in defect.detail
    for bad, where in {
        "25\t1\t0\t1\t0\t0\t0\n": "line 3",
        "25\t1\t0\t1\t0\t0\t0\t0\t1\n": "line 3",
        "25\t1\t0\t2\t0\t0\t0\t0\n": "frame 25",
        "25\t1\t0\t-\t0\t0\t0\t0\n": "frame 25",
        "26\t1\t0\t1\t0\t0\t0\t0\n": "frame 26",
        "a25\t1\t0\t1\t0\t0\t0\t0\n": "line 3",
    }.items():
        tools.write_text((ROOT / "tool_annotations" / tools.name).read_text().replace("25\t1\t0\t1\t0\t0\t0\t0\n", bad))
        frames, (defect,) = read(copy, "video01")
        assert defect.reason is Reason.ROW_MALFORMED
        assert defect.where == f"tool_annotations/video01-tool.txt {where}"
        assert facts(frames) == [
            (0, "Preparation", []),
            (25, "Preparation", None),
            *facts(read(ROOT, "video01")[0])[2:],
        ]


def test_a_bad_phase_row_leaves_the_tools(copy: Path) -> None:
    edit(copy / "phase_annotations" / "video01-phase.txt", lambda t: t.replace("\n25\tPreparation\n", "\n25\n"))
    frames, (defect,) = read(copy, "video01")
    assert facts(frames)[1] == (25, None, ["Grasper", "Hook"])
    assert (defect.reason, defect.where) == (Reason.ROW_MALFORMED, "phase_annotations/video01-phase.txt line 27")


def test_an_unknown_phase_name_is_left_to_the_ontology(copy: Path) -> None:
    edit(copy / "phase_annotations" / "video01-phase.txt", lambda t: t.replace("\n25\tPreparation\n", "\n25\tLunch\n"))
    frames, defects = read(copy, "video01")
    assert defects == [] and frames[1].phase == Label("Lunch")


def test_rows_are_joined_by_number_not_by_place(copy: Path) -> None:
    for kind in ("phase", "tool"):
        path = copy / f"{kind}_annotations" / f"video01-{kind}.txt"
        head, *rows = path.read_text().strip().split("\n")
        path.write_text("\n".join([head, *reversed(rows)]))
    assert facts(read(copy, "video01")[0]) == facts(read(ROOT, "video01")[0])


def test_repeated_rows(copy: Path) -> None:
    def twice(text: str) -> str:
        return text + "25\tPreparation\n50\tPreparation\n50\tCalotTriangleDissection\n"

    edit(copy / "phase_annotations" / "video01-phase.txt", twice)
    frames, defects = read(copy, "video01")
    assert [d.reason for d in defects] == [Reason.DUPLICATE_ID] * len(defects) and len(defects) >= 2
    assert facts(frames)[1] == (25, "Preparation", ["Grasper", "Hook"])  # said twice alike
    assert facts(frames)[2] == (50, None, ["Grasper", "Clipper"])  # said twice otherwise


@pytest.mark.parametrize("form", ["png", "mp4"])
def test_a_tail_second_more_is_tolerated(copy: Path, form: str) -> None:
    edit(copy / "phase_annotations" / "video01-phase.txt", lambda t: t + "100\tClippingCutting\n")
    root = copy if form == "png" else as_films(copy, copy.parent / "films")
    frames, defects = read(root, "video01")
    assert defects == []
    tail = [] if form == "png" else [(100, "ClippingCutting", None)]  # there is no picture of it
    assert facts(frames) == facts(read(ROOT, "video01")[0]) + tail


def test_a_tail_second_more_is_tolerated_without_tools_as_well(copy: Path) -> None:
    (copy / "tool_annotations" / "video01-tool.txt").unlink()
    edit(copy / "phase_annotations" / "video01-phase.txt", lambda t: t + "100\tClippingCutting\n")
    frames, defects = read(copy, "video01")
    assert [f.index for f in frames] == [0, 25, 50, 75]
    assert [d.where for d in defects] == ["tool_annotations/video01-tool.txt"], "only the table is missing"


def test_a_tail_second_with_its_picture_has_a_phase_and_no_tools(copy: Path) -> None:
    edit(copy / "phase_annotations" / "video01-phase.txt", lambda t: t + "100\tClippingCutting\n")
    for n in (5, 6):  # one for the tail second and one beyond all rows
        (copy / "frames" / "video01" / f"video01_{n:06d}.png").write_bytes(picture(n))
    frames, defects = read(copy, "video01")
    assert defects == [] and facts(frames)[4:] == [(100, "ClippingCutting", None)]


def test_a_longer_tail_is_told(copy: Path) -> None:
    def longer(text: str) -> str:
        return text + "100\tClippingCutting\n125\tClippingCutting\n"

    edit(copy / "phase_annotations" / "video01-phase.txt", longer)
    frames, defects = read(copy, "video01")
    assert len(frames) == 4
    assert [(d.reason, d.where) for d in defects] == [
        (Reason.ROW_MALFORMED, "tool_annotations/video01-tool.txt"),
        (Reason.MEDIA_MISSING, "video01/100"),
        (Reason.MEDIA_MISSING, "video01/125"),
    ]


def test_a_missing_table_or_picture_is_told(copy: Path) -> None:
    (copy / "tool_annotations" / "video01-tool.txt").unlink()
    (copy / "frames" / "video01" / "video01_000002.png").unlink()
    frames, defects = read(copy, "video01")
    assert facts(frames) == [
        (0, "Preparation", None),
        (50, "CalotTriangleDissection", None),
        (75, "ClippingCutting", None),
    ]
    assert [(d.reason, d.where) for d in defects] == [
        (Reason.ROW_MALFORMED, "tool_annotations/video01-tool.txt"),
        (Reason.MEDIA_MISSING, "video01/25"),
    ]
    shutil.rmtree(copy / "frames" / "video41")
    frames, (defect,) = read(copy, "video41")
    assert not frames and (defect.reason, defect.where) == (Reason.MEDIA_MISSING, "frames/video41")
    assert str(copy) not in repr([d.where + d.detail for d in defects])


def test_files_are_listed_for_change_detection(tmp_path: Path) -> None:
    films = as_films(ROOT, tmp_path / "films")
    video = opened(films).videos()[0]
    assert [p.name for p in video.files] == ["video01-phase.txt", "video01-tool.txt", "video01.mp4"]


# -------------------------------------------------------------------------------------------------------- real files


def test_real_excerpts(real: Path, tmp_path: Path) -> None:
    root = real / "cholec80"
    phase, tool = (FrameTable(columns=(c,), kind="k", header=True) for c in (Text("Phase"), Flags(TOOLS)))
    phases = read_frame_table(root / "phase_annotations" / "video01-phase.excerpt.txt", "a", phase)
    assert phases.named == {"Phase": dict.fromkeys(range(3), "Preparation")} and not phases.defects
    tools = read_frame_table(root / "tool_annotations" / "video01-tool.excerpt.txt", "a", tool)
    assert tools.listed == {0: ("Grasper",), 475: ("Grasper", "Hook")} and not tools.defects
    for kind in ("phase", "tool"):
        (tmp_path / f"{kind}_annotations").mkdir()
        excerpt = root / f"{kind}_annotations" / f"video01-{kind}.excerpt.txt"
        shutil.copy(excerpt, tmp_path / f"{kind}_annotations" / f"video01-{kind}.txt")
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "video01.mp4").touch()
    frames, _ = read(tmp_path, "video01")
    assert facts(frames) == [(0, "Preparation", ["Grasper"]), (475, None, ["Grasper", "Hook"])]


def test_info_is_what_the_terms_say() -> None:
    info = Cholec80.info
    assert info.license == "cc-by-nc-sa-4.0" and info.access == "request"
    assert (info.redistribution.annotations, info.redistribution.media) == (True, False)
    assert isinstance(Cholec80(ROOT).videos()[0], Video)  # type: ignore[index]


@pytest.mark.parametrize("name", ["cholec80", "cholect50"])
def test_card_says_what_the_source_says(name: str) -> None:
    _, head, body = (resources.files("surgsigma_hub.dataset_cards") / f"{name}.md").read_text("utf-8").split("---\n", 2)
    front, info = yaml.safe_load(head), get_source(name).info
    assert {k: front[k] for k in ("name", "title", "license", "homepage")} == {
        k: getattr(info, k) for k in ("name", "title", "license", "homepage")
    }
    assert front["citation"].startswith("@article{")
    for scheme in info.split_schemes:
        assert f"`{scheme}`" in body or scheme.startswith("crossval-")
    for option in ("form", "frame_pattern", "step_seconds") if name == "cholec80" else ():
        assert f"`{option}`" in body
