"""The kit for sources: homes, patterns, rates, splits and bounds as data, on small folders made here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from surgsigma_hub.errors import LayoutError, SurgSigmaError, UnknownNameError
from surgsigma_hub.ontology import concepts
from surgsigma_hub.records import Defect, Fact, FilmFile, Frame, Label, NumberedImages, Video
from surgsigma_hub.source import (
    About,
    Access,
    DeclaredSource,
    Fields,
    Files,
    FilmOrImageOptions,
    Films,
    Home,
    ImageFolders,
    Modality,
    Procedure,
    SourceInfo,
    Specialty,
    StepOptions,
    VideoLabels,
    parse_options,
    rate_for,
)
from surgsigma_hub.source.layout import filled, matches, split_table

INFO = SourceInfo(
    name="somewhere",
    about=About(title="Somewhere", license="mit", homepage="https://example.org"),
    specialty=Specialty.UROLOGY,
    procedure=Procedure.LAPAROSCOPIC_CHOLECYSTECTOMY,
    modality=Modality.LAPAROSCOPY,
    access=Access.OPEN,
    access_steps="None",
    layout="Phase/v01.csv",
    facts=frozenset({Fact.PHASE}),
    split_schemes={"hashed": ("train", "val", "test"), "undivided": ("train",)},
)


@dataclass(frozen=True, kw_only=True)
class SomeOptions(StepOptions, FilmOrImageOptions):
    """Options with bounds of both kinds."""

    most_cells: int = field(default=3, metadata={"help": "cells", "least": 1, "most": 9})
    form: str = field(default="auto", metadata={"help": "form", "choices": ("auto", "png")})


class Somewhere(DeclaredSource):
    """A source of one table, films of two rates and images."""

    info = INFO
    options_type = SomeOptions
    home = Home(any_of=("Phase/", "Films/"))
    files = Files(phase=("Phase/v{number:02d}.csv", "**/old/{number:d}_phase.csv"), names="names.csv")
    films = Films(places=("Films/v{number:02d}",), fps={25: "*", 50: "2-3"})
    images = ImageFolders(places=("png/v{number:02d}",), names="{video}_{image:03d}.png", base=1)
    video_id = "v{number:02d}"

    def labels(self, video: Video) -> VideoLabels:
        path, where = self.file(video, "phase")
        frames = [Frame(index=n, fps=1, phase=Label("a")) for n in range(6)]
        return VideoLabels(frames=frames if path else [], lasts=6.0, said_by=where)


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def opened(root: Path, **options: str) -> Somewhere:
    return Somewhere(root, parse_options(Somewhere, options))


# ----------------------------------------------------------------------------------------------- closed vocabularies


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("modality", "surgical_microscope"),
        ("specialty", "eurology"),
        ("procedure", "cataract surgery"),
        ("procedure", ""),
    ],
)
def test_a_misspelt_word_of_a_closed_vocabulary_fails_and_close_ones_are_named(name: str, value: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown {name} {value!r} in source somewhere") as error:
        replace(INFO, **{name: value})
    assert "Known: " in error.value.hint


def test_every_procedure_is_defined_and_every_definition_has_its_member() -> None:
    assert [*concepts("procedure")] == [p.value for p in Procedure]


def test_a_source_without_a_card_is_told_what_to_write() -> None:
    with pytest.raises(SurgSigmaError, match=r"dataset_cards/nowhere\.md does not say title, license, homepage"):
        replace(INFO, name="nowhere", about=None).license  # noqa: B018


# --------------------------------------------------------------------------------------------------------- patterns


def test_numbers_are_read_however_they_are_padded_and_case_does_not_matter(tmp_path: Path) -> None:
    touch(tmp_path, "Phase/V1.CSV", "Phase/v02.csv", "Phase/v0010.csv", "Phase/v1x.csv", "Phase/av3.csv")
    found = [(fields["number"], path.name) for fields, path in matches(tmp_path, "phase/v{number:02d}.csv")]
    assert found == [(1, "V1.CSV"), (10, "v0010.csv"), (2, "v02.csv")]


def test_what_archives_add_is_not_there(tmp_path: Path) -> None:
    touch(tmp_path, "Phase/._v01.csv", "__MACOSX/Phase/v02.csv", "Phase/.DS_Store", "Phase/v03.csv")
    assert [p.name for _, p in matches(tmp_path, "**/v{number:02d}.csv")] == ["v03.csv"]
    assert [v.id for v in opened(tmp_path).videos()] == ["v03"]


def test_any_folders_and_a_field_that_occurs_twice(tmp_path: Path) -> None:
    touch(tmp_path, "a/b/c/x_1.csv", "x_2.csv", "Rectal Resection/3/RR_3.csv", "Rectal Resection/3/RR_4.csv")
    assert [f["number"] for f, _ in matches(tmp_path, "**/x_{number:d}.csv")] == [2, 1]
    assert [f["number"] for f, _ in matches(tmp_path, "*/{number:d}/{kind}_{number:d}.csv")] == [3]


def test_a_field_may_be_one_of_some_texts(tmp_path: Path) -> None:
    for name in ("train_1.csv", "TEST_2.csv", "val_3.csv"):
        (tmp_path / name).touch()
    found = {path.name: fields for fields, path in matches(tmp_path, "{part:train|test}_{number:d}.csv")}
    assert found == {"train_1.csv": {"part": "train", "number": 1}, "TEST_2.csv": {"part": "test", "number": 2}}
    assert filled("{part:train|test}_{number:02d}", {"part": "test", "number": 2}) == "test_02"


def test_a_link_to_a_folder_above_ends(tmp_path: Path) -> None:
    touch(tmp_path, "a/x_1.csv")
    (tmp_path / "a" / "up").symlink_to(tmp_path, target_is_directory=True)
    assert {f["number"] for f, _ in matches(tmp_path, "**/x_{number:d}.csv")} == {1}


@pytest.mark.parametrize(("number", "rate"), [(1, 25), (16, 50), (20, 50), (21, 25), (23, 50), (24, 30)])
def test_rates_are_data(number: int, rate: float) -> None:
    assert rate_for({25: "*", 50: "16-20 23", 30: "v24"}, number, f"v{number}") == rate


# ------------------------------------------------------------------------------------------------------------- homes


def test_the_home_is_the_root_or_the_only_such_folder_in_it(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="no folder holds Phase/ or Films/"):
        opened(touch(tmp_path, "readme.txt")).videos()
    touch(tmp_path, "one/Phase/v01.csv")
    assert opened(tmp_path).folder == tmp_path / "one"
    touch(tmp_path, "two/Phase/v01.csv")
    with pytest.raises(LayoutError, match=r"several copies \(one, two\)"):
        opened(tmp_path).videos()
    touch(tmp_path, "Phase/v05.csv")
    assert [v.id for v in opened(tmp_path).videos()] == ["v05"]


def test_a_home_with_nothing_named_after_a_video_shows_the_layout(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"no file is named after a video(.|\n)*Phase/v01\.csv"):
        opened(touch(tmp_path, "Phase/readme.txt")).videos()


# ------------------------------------------------------------------------------------------------------------ videos


def test_videos_are_those_of_any_file_in_order_of_their_numbers(tmp_path: Path) -> None:
    touch(tmp_path, "Phase/v10.csv", "Films/v9.MKV", "png/v2/v02_001.png", "names.csv", "x/old/3_phase.csv")
    videos = opened(tmp_path).videos()
    assert [v.id for v in videos] == ["v02", "v03", "v09", "v10"]
    assert [[p.name for p in v.files] for v in videos] == [
        ["names.csv"],
        ["names.csv", "3_phase.csv"],
        ["names.csv", "v9.MKV"],
        ["names.csv", "v10.csv"],
    ]
    assert {v.canonical_id for v in videos} == {f"somewhere/{v.id}" for v in videos}


def test_two_files_of_one_video_are_refused_unless_they_are_the_same(tmp_path: Path) -> None:
    touch(tmp_path, "Phase/v1.csv", "Phase/v01.csv")
    assert [v.id for v in opened(tmp_path).videos()] == ["v01"]
    (tmp_path / "Phase" / "v1.csv").write_text("0,1")
    with pytest.raises(LayoutError, match=r"Phase/v01\.csv and Phase/v1\.csv are the same video"):
        opened(tmp_path).videos()


def test_a_missing_file_has_its_place(tmp_path: Path) -> None:
    source = opened(touch(tmp_path, "Films/v07.mp4"))
    (video,) = source.videos()
    assert source.file(video, "phase") == (None, "Phase/v07.csv") and source.fps_of(video) == 25.0


def test_splits_by_hash_do_not_depend_on_other_videos(tmp_path: Path) -> None:
    touch(tmp_path, *(f"Phase/v{n:02d}.csv" for n in range(1, 60)))
    all_of = {v.id: v.split for v in opened(tmp_path).videos()}
    assert {*all_of.values()} == {"train", "val", "test"}
    for n in range(1, 50):
        (tmp_path / "Phase" / f"v{n:02d}.csv").unlink()
    assert all_of.items() >= {v.id: v.split for v in opened(tmp_path).videos()}.items()
    assert {v.split for v in opened(tmp_path, split_scheme="undivided").videos()} == {"train"}


@pytest.mark.parametrize("table", sorted((Path(__file__).parent.parent / "loaders").glob("*_splits.csv")))
def test_a_table_of_splits_names_schemes_and_splits_of_its_source(table: Path) -> None:
    from surgsigma_hub.registry import get_source

    name = table.name.removesuffix("_splits.csv")
    schemes = get_source(name).info.split_schemes
    for scheme, splits in split_table(name).items():
        assert {*splits.values()} == {*schemes[scheme]}, scheme


class Partly(Somewhere):
    """A source some of whose videos are in no split."""

    def split_of(self, id: str, fields: Fields) -> str | None:
        return None if id == "v02" else "train"


def test_a_video_of_no_split_is_told_and_yields_nothing(tmp_path: Path) -> None:
    source = Partly(touch(tmp_path, "Phase/v01.csv", "Phase/v02.csv"))
    one, two = source.videos()
    assert len(list(source.frames(one))) == 6
    (defect,) = source.frames(two)
    assert isinstance(defect, Defect) and "no split of scheme hashed" in defect.detail
    assert source.recording(two) is None and source.course(two) is None


# ----------------------------------------------------------------------------------------------------------- footage


def test_images_go_before_films_and_films_are_kept_for_clips(tmp_path: Path) -> None:
    source = opened(touch(tmp_path, "Phase/v03.csv", "Films/v03.mp4", "png/v03/v03_001.png", "png/v03/v03_x.png"))
    (video,) = source.videos()
    recording = source.recording(video)
    film = FilmFile(path=tmp_path / "Films" / "v03.mp4", fps=50.0, counted=True)
    assert recording is not None and isinstance(recording.media, NumberedImages) and recording.film == film
    assert [*recording.media.images] == [1] and recording.media.name.format(2) == "v03_002.png"
    assert (recording.place, recording.lasts, recording.said_by) == ("png/v03", 6.0, "Phase/v03.csv")
    assert recording.moments == [0, 1, 2, 3, 4, 5]


def test_films_have_the_endings_of_recorders_too_and_the_releases_own_goes_first(tmp_path: Path) -> None:
    for name in ("video01.MTS", "video01.mp4", "video02.m2ts", "video03.VOB", "video04.txt"):
        (tmp_path / name).touch()
    found = [path.name for _, path in Films(places=("video{number:02d}",)).find(tmp_path)]
    assert found == ["video01.mp4", "video01.MTS", "video02.m2ts", "video03.VOB"]


def test_footage_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    source = opened(touch(tmp_path, "Phase/v03.csv"))
    (video,) = source.videos()
    recording = source.recording(video)
    assert recording is not None and recording.media is None
    assert (recording.place, recording.absent) == ("Films/v03.mp4", "neither images nor a video are there")


@pytest.mark.parametrize(
    "names",
    [
        ("Films/v03_1.mp4", "Films/v03_2.mp4"),
        ("Films/V03-part01.MTS", "Films/V03-part02.MTS"),
        ("Films/v03/00000.MTS", "Films/v03/00001.MTS"),
        ("Films/v03/GH010001.MP4", "Films/v03/GH020001.MP4"),
    ],
)
def test_a_film_in_numbered_parts_is_never_one_of_them_and_how_to_join_them_is_said(
    names: tuple[str, str], tmp_path: Path
) -> None:
    source = opened(touch(tmp_path, "Phase/v03.csv", *names))
    (video,) = source.videos()
    recording = source.recording(video)
    assert recording is not None and recording.media is None
    first, second = (Path(name).name for name in names)
    assert f"its 2 parts ({first}, {second}) have to be joined first" in recording.absent
    assert "ffmpeg -f concat -safe 0 -i parts.txt -c copy v03.mp4" in recording.absent


@pytest.mark.parametrize(
    "others",
    [
        ("v03 (1).mp4", "v03 (2).mp4"),
        ("v03_2.mp4", "v03_4.mp4"),
        ("v031.mp4", "v032.mp4"),
        ("../x/v03_1.mp4", "../x/v03_2.mp4"),
    ],
)
def test_copies_and_other_videos_are_no_parts(others: tuple[str, ...], tmp_path: Path) -> None:
    source = opened(touch(tmp_path, "Phase/v03.csv", *(f"Films/{name}" for name in others)))
    recording = source.recording(next(v for v in source.videos() if v.id == "v03"))
    assert recording is not None and recording.absent == "neither images nor a video are there"


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (("v03.mp4", "v03_1.mp4", "v03_2.mp4"), "3 parts (v03.mp4, v03_1.mp4, v03_2.mp4)"),
        (("v03.mp4", "v03_2.mp4"), "2 parts (v03.mp4, v03_2.mp4)"),
        (("v03.1.mp4", "v03.2.mp4"), "2 parts (v03.1.mp4, v03.2.mp4)"),
        (("v03.mp4", "v04.mp4"), ""),
    ],
)
def test_parts_beside_a_film_are_noted_for_one_that_ends_too_soon(
    names: tuple[str, ...], parts: str, tmp_path: Path
) -> None:
    source = opened(touch(tmp_path, "Phase/v03.csv", *(f"Films/{name}" for name in names)))
    recording = source.recording(next(v for v in source.videos() if v.id == "v03"))
    assert recording is not None and recording.media is not None
    assert recording.parts.startswith(parts) and bool(recording.parts) is bool(parts)


# ----------------------------------------------------------------------------------------------------------- options


def test_steps_take_every_so_many_seconds(tmp_path: Path) -> None:
    source = opened(touch(tmp_path, "Phase/v01.csv"), step_seconds="2")
    (video,) = source.videos()
    assert [f.index for f in source.frames(video) if isinstance(f, Frame)] == [0, 2, 4]
    recording = source.recording(video)
    assert recording is not None and len(recording.moments) == 6, "the footage is held to all labels"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("step_seconds", "0", "somewhere: step_seconds=0, expected 1 or more"),
        ("most_cells", "10", "somewhere: most_cells=10, expected 1 to 9"),
        ("form", "pgn", "unknown form 'pgn' in somewhere"),
    ],
)
def test_options_are_held_to_their_bounds(tmp_path: Path, option: str, value: str, message: str) -> None:
    with pytest.raises(SurgSigmaError, match=re.escape(message)):
        opened(tmp_path, **{option: value})
