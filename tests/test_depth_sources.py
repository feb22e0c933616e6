"""The sources of measured depth: each map lies on its image, what was not measured is 0, and the answer says so."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from surgsigma_hub.api import build
from surgsigma_hub.errors import LayoutError
from surgsigma_hub.media.image import png_bytes
from surgsigma_hub.media.overlay import depth_picture
from surgsigma_hub.registry import get_source

import damage
import sources
from conftest import FIXTURES
from footage_files import SIZE, number_of, samples

TASK = "depth_estimation"


def pixels(data: bytes) -> npt.NDArray[Any]:
    return np.asarray(Image.open(io.BytesIO(data)))


def drawn(number: int) -> npt.NDArray[Any]:
    """As ``fixture_kit.depth_map`` draws it."""
    values = np.tile(1000 + number + 500 * np.arange(SIZE[0]), (SIZE[1], 1))
    values[-2:] = 0
    return values


@pytest.mark.parametrize("source", ["c3vd", "serv_ct"])
def test_a_map_lies_on_the_image_of_its_number_and_says_where_nothing_was_measured(source: str, tmp_path: Path) -> None:
    report = build(source, root=FIXTURES / source, out=tmp_path / "tree", max_quarantine=1)
    left = {"c3vd": {"label_missing": 2, "media_missing": 1}, "serv_ct": {"label_missing": 1}}[source]
    assert dict(report.quarantined) == left
    made = list(samples(tmp_path / "tree", TASK))
    assert len(made) == {"c3vd": 7, "serv_ct": 5}[source]
    for doc, members in made:
        truth = drawn(number_of(pixels(members["image.jpg"])))
        if source == "serv_ct":
            truth[:8, :8] = 0  # blue: outside of what the CT gives; what is red is known
        assert np.array_equal(pixels(members["target.png"]), truth), doc["id"]
        answer = doc["messages"][-1]["content"]
        assert "without a measurement" in answer or "not measured" in answer, answer


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.zeros((SIZE[1], SIZE[0]), np.uint16), "nothing was measured"),
        (np.full((SIZE[1], SIZE[0]), 70_000, np.int32), "values 70000..70000, expected 0..65535"),
        (np.full((SIZE[1], SIZE[0] // 2), 9, np.uint16), "depth map of shape"),
        (np.full((SIZE[1], SIZE[0], 3), 9, np.uint8), "depth map in colour"),
        (np.full((SIZE[1], SIZE[0]), 0.25, np.float32), "depth map of float32 values 0.25..0.25, expected the whole"),
    ],
    ids=["nothing measured", "more than 16 bits", "another size", "colours", "fractions"],
)
def test_a_map_that_is_none_costs_its_image_and_is_named(values: npt.NDArray[Any], said: str, tmp_path: Path) -> None:
    root = tmp_path / "C3VD"
    shutil.copytree(FIXTURES / "c3vd" / "cecum_t1_a", root / "cecum_t1_a")
    Image.fromarray(values).save(root / "cecum_t1_a" / "0001_depth.tiff")
    report = build("c3vd", root=root, out=tmp_path / "tree", max_quarantine=1)
    assert report.quarantined == {"media_unreadable": 1}
    assert said in report.examples["media_unreadable"][0]["detail"]
    assert [doc["frame_index"] for doc, _ in samples(tmp_path / "tree", TASK)] == [0, 2]


def test_an_image_of_occlusion_of_another_size_costs_its_image(tmp_path: Path) -> None:
    root = tmp_path / "SERV-CT"
    shutil.copytree(FIXTURES / "serv_ct" / "SERV-CT", root)
    place = root / "Experiment_1" / "Ground_truth_CT" / "OcclusionL" / "001.png"
    Image.open(place).resize((8, 8)).save(place)
    report = build("serv_ct", root=root, out=tmp_path / "tree", max_quarantine=1)
    assert "001.png: shape (8, 8, 3), expected" in report.examples["media_unreadable"][0]["detail"]


def test_screening_videos_alone_are_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "screening_t1").mkdir()
    (tmp_path / "screening_t1" / "pose.txt").write_text("1,0,0,0,0,1,0,0,0,0,1,0,0,0,0,1\n")
    with pytest.raises(LayoutError, match="screening videos have no depth"):
        get_source("c3vd")(tmp_path).videos()


def test_a_guessed_map_of_a_raw_sample_is_not_read() -> None:
    source = get_source("c3vd")(FIXTURES / "c3vd")
    (video,) = [v for v in source.videos() if v.id == "SAMPLE_DIR"]
    (defect,) = source.frames(video)
    assert "the image has no depth map" in defect.detail  # type: ignore[union-attr]


def test_what_was_not_measured_is_black_in_pictures_and_no_point_is_drawn_by_it() -> None:
    values = np.array([[0, 30_000, 31_000]], np.uint16)
    shown = np.asarray(depth_picture(png_bytes(values), gaps=True))[0]
    assert not shown[0].any()
    whole = np.asarray(depth_picture(png_bytes(values[:, 1:])))[0]
    assert np.array_equal(shown[1:], whole), "the range of colours is that of the measured points"


def test_videos_of_c3vd_whose_archives_were_unpacked_into_folders_of_their_names(tmp_path: Path) -> None:
    root = Path(shutil.copytree(sources.FIXTURES / "c3vd", tmp_path / "copy"))
    whole = damage.said(sources.opened("c3vd", tmp_path / "cache", root))
    for folder in list(root.iterdir()):
        folder.rename(tmp_path / "moved")
        folder.mkdir()
        (tmp_path / "moved").rename(folder / folder.name)
    again = damage.said(sources.opened("c3vd", tmp_path / "cache2", root))
    assert {id: (len(s.records), s.told) for id, s in again.items()} == {
        id: (len(s.records), s.told) for id, s in whole.items()
    }
