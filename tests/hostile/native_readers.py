"""Readers of one file: a card, or a file in the native format of a source."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from surgsigma_hub.errors import BadRowError
from surgsigma_hub.hub.index import open_index
from surgsigma_hub.hub.pointer import _check_folder
from surgsigma_hub.media.masks import render
from surgsigma_hub.parsers import (
    archive,
    class_masks,
    coco,
    delimited,
    frame_tables,
    grounding,
    intervals,
    labelme,
    picture_tables,
    plain_pickle,
    questions,
    strict_json,
    tfrecord,
    trace,
)
from surgsigma_hub.parsers.releases import (
    cholec80_records,
    esd_boxes,
    esd_motions,
    multibypass_files,
    psi_ava_keyframes,
    scene_graphs,
    sigma_release,
    triplet_vectors,
)
from surgsigma_hub.records import Defect, FileImage

from .registry import reader


@reader("card")
def _card(path: Path, out: Path) -> None:
    """A folder with nothing but a card: what a pointer is, and what the Hub gives."""
    index = open_index(path.parent)
    for name, splits in index.configs.items():
        for split in splits:
            index.check_split(name, split)
    _check_folder(path.parent)


@reader("archive")
def _archive(path: Path, out: Path) -> None:
    tar = path.rename(path.with_suffix(".tar")) if path.suffix != ".tar" else path
    try:
        for image in archive.archive_members(tar, cache_dir=out).values():
            assert image.offset + image.length <= tar.stat().st_size  # type: ignore[union-attr]
    finally:
        tar.rename(path)


@reader("cholec80 records")
def _records(path: Path, out: Path) -> list[str]:
    cholec80_records.number_inside(path)
    return [f"{reason}: {where}: {what}" for reason, where, what in cholec80_records.read_video(path, 1).problems]


@reader("tfrecord")
def _example(path: Path, out: Path) -> None:
    with tfrecord.opened(path) as buffer:
        for payload in tfrecord.read_records(buffer):
            tfrecord.parse_example(buffer, payload)


@reader("psi-ava key frames")
def _key_frames(path: Path, out: Path) -> list[str]:
    problems: list[str] = []
    for case in sorted(psi_ava_keyframes.cases_in(path))[:3]:
        defects = psi_ava_keyframes.read_key_frames(path, "", case)[1]
        problems += [f"{one.reason}:{one.where}: {one.detail}" for one in defects]
    return problems


@reader("multibypass intervals")
def _layers(path: Path, out: Path) -> list[str]:
    return _told(multibypass_files.read_labelled(path, "a.json").defects)


@reader("sigma release")
def _release(path: Path, out: Path) -> list[str]:
    release = sigma_release.parse_release(path.read_bytes(), name="release.json")
    for found in release.rows.values():
        for _, anno in found:
            sigma_release.task_types(anno)
            sigma_release.read_localization(anno, where="here")
    return [f"{stray.reason}: {stray.where}: {stray.detail}" for stray in release.strays]


@reader("triplet vectors")
def _vectors(path: Path, out: Path) -> None:
    document = strict_json.read_json(path)
    categories, notes = (
        document.get(key) if isinstance(document, dict) else document for key in ("categories", "annotations")
    )
    triplet_vectors.names_in(categories)
    triples = triplet_vectors.triples_in(categories)
    for rows in notes.values() if isinstance(notes, dict) else [notes]:
        triplet_vectors.parse_vectors(rows, triples)


@reader("delimited table")
def _delimited(path: Path, out: Path) -> None:
    for line in delimited.read_delimited(path, ("VideoID", "FrameNo", "Phase"), delimiter=";"):
        line.integers()


@reader("numbered table")
def _numbered(path: Path, out: Path) -> None:
    flags = frame_tables.Flags(("Hook", "Clipper"))
    for column in (frame_tables.Text("Phase"), frame_tables.Code("Phase", {0: "Preparation"}), flags):
        for delimiter in ("", ","):
            table = frame_tables.FrameTable(columns=(column,), kind="phase", delimiter=delimiter)
            frame_tables.read_frame_table(path, "a.txt", table)


@reader("intervals")
def _intervals(path: Path, out: Path) -> None:
    by_place = intervals.IntervalTable(start=0, end=1, label=2, unit=25.0, delimiter="", header=False)
    by_name = intervals.IntervalTable(start="sec", end="endSec", label="comment", unit="s")
    for table in (by_place, by_name):
        intervals.read_intervals(path, "a.txt", table)


@reader("question lines")
def _question_lines(path: Path, out: Path) -> list[str]:
    return _told(questions.read_question_lines(path, "a.txt", rest=(0, 1)))


@reader("question table")
def _question_table(path: Path, out: Path) -> list[str]:
    data = path.read_bytes()
    ending = "parquet" if data.startswith(b"PAR1") else "json" if data[:1] in (b"[", b"{") else "csv"
    table = out / f"table.{ending}"
    table.write_bytes(data)
    return _told(questions.read_question_table(table, table.name, others=("id",)))


@reader("picture table")
def _picture_table(path: Path, out: Path) -> list[str]:
    return _told(picture_tables.read_picture_table(path, "a.parquet"))


def _told(rows: Iterable[object]) -> list[str]:
    return [f"{row.reason}: {row.detail}" for row in rows if isinstance(row, Defect)]


@reader("scene graph")
def _scene_graph(path: Path, out: Path) -> tuple[str, ...]:
    return scene_graphs.read_scene_graph(path).problems


@reader("labelme")
def _labelme(path: Path, out: Path) -> None:
    labelme.parse_labelme(path.read_bytes(), where="a.json")


@reader("class mask")
def _class_mask(path: Path, out: Path) -> list[str]:
    problems: list[str] = []
    numbers, colours = {1: "liver", 50: "fat"}, {(0, 255, 0): "liver", (9, 9, 9): "fat"}
    for codes in (
        class_masks.MaskCodes.of(numbers, 0),
        class_masks.MaskCodes.of(colours, (0, 0, 0)),
        class_masks.MaskCodes.two_levels("liver", least=128),
    ):
        mask, told = class_masks.read_class_mask(FileImage(path), "a.png", codes)
        for region in mask.regions.values() if mask else ():
            assert region.pixels and render([region.mask], width=mask.width, height=mask.height).any()
        problems += [f"{one.reason}: {one.where}: {one.detail}" for one in told]
    _, told = class_masks.read_instance_mask(FileImage(path), "a.png")
    return problems + [f"{one.reason}: {one.where}: {one.detail}" for one in told]


@reader("coco")
def _coco(path: Path, out: Path) -> list[str]:
    read = coco.read_coco(path, "a.json")
    told = [*read.defects]
    for image in list(read.images.values())[:3]:
        objects, defects = read.objects(image)
        told += defects
        render([one.mask for one in objects if one.mask is not None], width=16, height=16)
    return [f"{one.reason}: {one.where}: {one.detail}" for one in told]


@reader("plain pickle")
def _pickle(path: Path, out: Path) -> None:
    plain_pickle.loads_plain(path.read_bytes())


@reader("motions")
def _motions(path: Path, out: Path) -> None:
    text = _text(path)
    with suppress(BadRowError):
        esd_motions.parse_motions(text)
    esd_boxes.parse_boxes(text)


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


_OF_TEXT: dict[str, Callable[[str], Any]] = {
    "grounding": grounding.parse_grounding,
    "label mapping": triplet_vectors.read_label_mapping,
    "trace": trace.parse_trace,
}


def _of_text(parse: Callable[[str], Any]) -> Callable[[Path, Path], None]:
    def read(path: Path, out: Path) -> None:
        parse(_text(path))

    return read


for name, parse in _OF_TEXT.items():
    reader(name)(_of_text(parse))
