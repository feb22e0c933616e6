"""The contact sheet: its size, that it repeats, and that what is drawn lies where the answer says."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from surgsigma_hub import records as r
from surgsigma_hub.errors import MediaError, ShardError, UnknownNameError
from surgsigma_hub.media.lettering import cut, font, wrap
from surgsigma_hub.media.overlay import MASK_COLOUR, colours, depth_picture, draw_boxes, draw_mask
from surgsigma_hub.preview import CARD_WIDTH, GAP, MARGIN, PICTURE_HEIGHTS, picture, picture_height, preview, sheet
from surgsigma_hub.shards.sampling import Picked, pick

from handmade import jpeg, mask, sample, small_tree, write_part


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_tree(tmp_path_factory.mktemp("preview") / "surgsigma")


def picked_of(made: r.Sample, media: dict[str, bytes]) -> Picked:
    import orjson

    return Picked(orjson.loads(orjson.dumps(made)), media, "x.tar")


# ------------------------------------------------------------------------------------------------- choosing


def test_picks_are_spread_over_tasks_and_repeat(tree: Path) -> None:
    first, again, other = (pick(tree, count=4, seed=s) for s in (1, 1, 2))
    assert [p.doc["id"] for p in first] == [p.doc["id"] for p in again]
    assert [p.doc["id"] for p in first] != [p.doc["id"] for p in other]
    assert sorted(p.doc["task"] for p in first) == ["instrument_segmentation"] * 2 + ["phase_recognition"] * 2
    assert all((tree / p.shard).is_file() for p in first)


def test_picks_are_all_different_and_as_many_as_there_are(tree: Path) -> None:
    ids = [p.doc["id"] for p in pick(tree, count=99)]
    assert len(ids) == len(set(ids)) == 15
    assert len(pick(tree, count=1)) == 1


def test_picks_from_several_sources_take_turns(tmp_path: Path) -> None:
    write_part(tmp_path, [[sample(n, source="large") for n in range(20)]])
    write_part(tmp_path, [[sample(n, source="small") for n in range(3)]])
    found = [p.doc["source"] for p in pick(tmp_path, count=6)]
    assert sorted(found) == ["large"] * 3 + ["small"] * 3


def test_picks_from_one_shard(tree: Path) -> None:
    shard = tree / "data/phase_recognition/synthetic/train-00000.tar"
    assert len(pick(shard, count=3)) == 3
    assert len(pick(shard, count=30)) == 4
    with pytest.raises(ShardError, match="no sample of task"):
        pick(shard, count=3, task="step_recognition")


def test_block_offsets_are_used(tree: Path, tmp_path: Path) -> None:
    import tarfile
    from dataclasses import replace

    from handmade import save

    manifest = write_part(tmp_path, [[sample(n) for n in range(9)]])
    with tarfile.open(tmp_path / manifest.folder / "train-00000.tar") as tar:
        starts = [m.offset for m in tar.getmembers() if m.name.endswith(".json")]
    blocks = ((starts[0], 0), (starts[3], 3), (starts[6], 6))
    save(tmp_path, replace(manifest, shards=(replace(manifest.shards[0], blocks=blocks),)))
    assert sorted(p.doc["frame_index"] for p in pick(tmp_path, count=9)) == list(range(9))


def test_errors_name_what_is_wrong(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="nowhere"):
        preview(tmp_path / "nowhere", tmp_path / "x.png")
    with pytest.raises(UnknownNameError, match="phase_recognition"):
        preview(tree, tmp_path / "x.png", task="phase_recognitio")
    with pytest.raises(ShardError, match="no built data"):
        preview(tmp_path, tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


# -------------------------------------------------------------------------------------------------- drawing


def test_sheet_has_the_size_of_its_cards_and_repeats(tree: Path, tmp_path: Path) -> None:
    assert preview(tree, tmp_path / "a.png", count=8) == 8
    assert preview(tree, tmp_path / "b.png", count=8) == 8
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    image = Image.open(tmp_path / "a.png")
    assert image.width == 2 * MARGIN + 4 * CARD_WIDTH + 3 * GAP
    assert image.height > 2 * PICTURE_HEIGHTS[0]
    assert preview(tree, tmp_path / "c.png", count=2) == 2
    assert Image.open(tmp_path / "c.png").width == 2 * MARGIN + 2 * CARD_WIDTH + GAP


def test_boxes_are_drawn_where_they_are() -> None:
    plain = Image.new("RGB", (200, 100), (150, 60, 50))
    boxes = [
        {"label": "hook", "x1": 0.1, "y1": 0.3, "x2": 0.5, "y2": 0.8},
        {"label": "grasper", "x1": 0.7, "y1": 0.0, "x2": 1.0, "y2": 1.0},
    ]
    palette = colours(["hook", "grasper", "hook"])
    assert len(palette) == 2 and palette["hook"] != palette["grasper"]
    made = draw_boxes(plain, boxes, palette)
    for x, y in ((20, 50), (99, 50), (60, 30), (60, 79)):  # left, right, top and bottom edge
        assert made.getpixel((x, y)) == palette["hook"], (x, y)
    for x, y in ((60, 55), (115, 50), (10, 50), (60, 95)):  # inside and outside
        assert made.getpixel((x, y)) == (150, 60, 50), (x, y)
    assert made.getpixel((199, 90)) == palette["grasper"]
    assert made.getpixel((21, 15)) == palette["hook"]  # its chip, above the box
    assert plain.getpixel((20, 50)) == (150, 60, 50)  # the input is left as it was


def test_boxes_lie_right_inside_a_card() -> None:
    answer = r.Answer(text="x", boxes=(r.AnswerBox("hook", 0.25, 0.5, 0.75, 1.0),))
    picked = picked_of(*sample(answer=answer))
    tall = picture_height([picked])
    assert tall == CARD_WIDTH * 48 // 64
    image = picture(picked, {"hook": (1, 255, 2)}, tall)
    assert image.size == (CARD_WIDTH, tall)
    for x, y in ((CARD_WIDTH // 4, 250), (CARD_WIDTH * 3 // 4 - 1, 250), (250, round(tall * 0.5)), (210, tall - 1)):
        assert image.getpixel((x, y)) == (1, 255, 2), (x, y)
    assert image.getpixel((210, 250)) != (1, 255, 2)


def test_mask_is_translucent_with_a_line_around() -> None:
    plain = Image.new("RGB", (128, 96), (150, 60, 50))
    made = draw_mask(plain, mask((16, 12, 48, 36), size=(64, 48)))  # at half the size
    assert made.getpixel((5, 5)) == (150, 60, 50)
    inside = made.getpixel((64, 48))
    assert inside not in ((150, 60, 50), MASK_COLOUR)
    lines = [x for x in range(128) if made.getpixel((x, 48)) == MASK_COLOUR]
    assert lines and min(lines) in range(28, 36) and max(lines) in range(92, 100)
    with pytest.raises(MediaError, match=r"target\.png"):
        draw_mask(plain, b"no picture", name="target.png")


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_depth_is_coloured_near_to_far(kind: type) -> None:
    out = io.BytesIO()
    Image.fromarray(np.tile(np.linspace(0, np.iinfo(kind).max, 40).astype(kind), (30, 1))).save(out, "PNG")
    row = np.asarray(depth_picture(out.getvalue()))[15].astype(float)
    light = row @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(light) < 0).all(), "farther must be darker, step by step"
    assert light[0] > 3 * light[-1]
    with pytest.raises(MediaError, match="one channel"):
        depth_picture(jpeg())
    with pytest.raises(MediaError):
        depth_picture(b"x")


def test_a_criterion_is_a_check_or_a_cross() -> None:
    def drawn(met: bool) -> np.ndarray:
        answer = r.Answer(text="x", criteria=(r.AnswerCriterion("cystic_plate", met, (1.0, 0.0)),))
        return np.asarray(sheet([picked_of(*sample(answer=answer))], title="t"))

    green, red = (22, 145, 84), (196, 62, 54)
    for met, there, absent in ((True, green, red), (False, red, green)):
        pixels = drawn(met)
        assert (pixels == there).all(axis=2).sum() > 50
        assert not (pixels == absent).all(axis=2).any()


def test_text_is_cut_to_its_width() -> None:
    lettering = font(15)
    lines = wrap("word " * 200 + "x" * 300, lettering, 300, 4)
    assert len(lines) == 4 and lines[-1].endswith("...")
    assert all(lettering.getlength(line) <= 300 for line in lines)
    assert wrap("x" * 100, lettering, 50, 99)[0] + "" != "x" * 100
    assert wrap("", lettering, 50, 3) == []
    assert cut("short", lettering, 300) == "short"


def test_a_long_question_does_not_widen_the_sheet() -> None:
    long = sample(question="why " * 400, answer=r.Answer(text="x", labels=tuple(f"label_{n}" for n in range(60))))
    assert sheet([picked_of(*long)], title="t" * 500).width == 2 * MARGIN + CARD_WIDTH
