"""Parquet tables with pictures as the Hub keeps them, written from the fixtures of the native layouts."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
SPLITS = {1: "train", 3: "validation", 2: "test"}
"""By operation of the fixture of DSAD."""


def write(path: Path, rows: Sequence[Mapping[str, Any]], *, classes: Mapping[str, Sequence[str]] = {}, group: int = 2):
    """A table: bytes become pictures as the Hub's writers store them, columns of ``classes`` their numbers."""
    kinds = {
        key: PICTURE if any(isinstance(row.get(key), bytes) for row in rows) else None
        for key in dict.fromkeys(key for row in rows for key in row)
    }
    columns: dict[str, Any] = {}
    for key, kind in kinds.items():
        cells = [row.get(key) for row in rows]
        if key in classes:
            cells = [list(classes[key]).index(cell) for cell in cells]
        columns[key] = pa.array([{"bytes": c, "path": None} for c in cells], PICTURE) if kind else pa.array(cells)
    said = {key: {"names": list(names), "_type": "ClassLabel"} for key, names in classes.items()}
    table = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": said}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=group)


def dsad(native: Path, out: Path, *, named: bool = True, raters: bool = False) -> None:
    """DSAD's two configs from its native fixture, ``raters`` as a further one with the same images."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for image in sorted(native.glob("*/*/image*.png")):
        folder, number = image.parent, image.stem.removeprefix("image")
        organ, surgery = folder.parent.name, int(folder.name)
        row: dict[str, Any] = {"image": image.read_bytes()}
        if named:
            row |= {"surgery_id": surgery, "frame": int(number)}
        split = SPLITS[surgery]
        if organ == "multilabel":
            row |= {path.stem: path.read_bytes() for path in sorted(folder.glob(f"mask{number}_*.png"))}
            row = {re.sub("^mask[0-9]+_", "mask_", key): value for key, value in row.items()}
            tables.setdefault(f"multi_organ/{split}-00000-of-00001.parquet", []).append(row)
            continue
        with (folder / "weak_labels.csv").open(newline="") as file:
            weak = next(r for r in csv.DictReader(file) if r[""] == image.stem)
        row |= {"mask": (folder / f"mask{number}.png").read_bytes(), "organ": organ.replace("_", " ").title()}
        row |= {f"weak_{name}": value == "1" for name, value in weak.items() if name} | {"weak_uterus": False}
        tables.setdefault(f"single_organ/{split}-00000-of-00001.parquet", []).append(row)
        if raters:
            more = {f"mask_rater_{n}": (folder / f"anno_{n}/mask{number}.png").read_bytes() for n in (1, 2, 3)}
            tables.setdefault(f"single_organ_multi_rater/{split}-0.parquet", []).append({**row, **more})
    names = sorted({row["organ"] for rows in tables.values() for row in rows if "organ" in row})
    for place, rows in tables.items():
        write(out / place, rows, classes={"organ": names} if "organ" in rows[0] else {})


def kvasir_vqa(native: Path, out: Path) -> None:
    """Kvasir-VQA's table from its native fixture: each image anew with every question."""
    with (native / "metadata.csv").open(newline="") as file:
        rows = [{"image": (native / "images" / f"{r['img_id']}.jpg").read_bytes(), **r} for r in csv.DictReader(file)]
    write(out / "data" / "raw-00000-of-00001.parquet", rows, group=5)


def cholecseg8k(native: Path, out: Path, kind: str) -> None:
    """CholecSeg8k from its native fixture; what a row names: ``columns``, ``path`` or ``nothing``."""
    rows = []
    for image in sorted(native.glob("*/*/*_endo.png")):
        mask = image.with_name(f"{image.stem}_watershed_mask.png")
        if not mask.is_file():
            continue
        row: dict[str, Any] = {"image": image.read_bytes(), "color_mask": mask.read_bytes()}
        row["watershed_mask"] = mask.read_bytes()
        named = {"columns": {"video": image.parent.name, "frame_id": int(image.stem.split("_")[1])}}
        named |= {"path": {"file_name": str(image.relative_to(native))}, "nothing": {}}
        rows.append(row | named[kind])
    write(out / "data" / "train-00000-of-00001.parquet", rows)
