#!/usr/bin/env bash
# sahi 0.12.8 cutting a frame of 128 x 128 and its COCO masks into four tiles. The mask is a slanted shaft, six pixels thick,
# 480 pixels in all, stored as run lengths, as masks of SAM and of painting tools are; its "iscrowd" is 0.
# Expected: tiles hold their parts of the shaft, 249, 0, 15 and 216 pixels, or an error says that run lengths are not read.
# Seen: the run lengths are dropped and the box is written as if it were the outline: four full rectangles, 1936, 1584,
#       1804 and 1476 pixels, one of them in the upper right tile, where there is no instrument. Nothing is raised.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check sahi==0.12.8 pycocotools==2.0.11 opencv-python-headless==4.12.0.88
cd "$work"
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import json
from pathlib import Path

import numpy as np
import pycocotools.mask
from PIL import Image
from sahi.slicing import slice_coco

SIZE, TILE = 128, 64
shaft = np.zeros((SIZE, SIZE), np.uint8)
for n in range(20, 100):
    shaft[n : n + 6, n] = 1
runs = pycocotools.mask.encode(np.asfortranarray(shaft))
instrument = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": int(shaft.sum())}
instrument["bbox"] = pycocotools.mask.toBbox(runs).tolist()
instrument["segmentation"] = {"size": runs["size"], "counts": runs["counts"].decode()}
Path("frames").mkdir()
Image.fromarray(np.full((SIZE, SIZE, 3), 90, np.uint8)).save("frames/a.png")
frame = {"id": 1, "file_name": "a.png", "height": SIZE, "width": SIZE}
coco = {"images": [frame], "categories": [{"id": 1, "name": "hook"}], "annotations": [instrument]}
Path("coco.json").write_text(json.dumps(coco))

tiles, _ = slice_coco(
    "coco.json", "frames", "tiles", output_dir="tiles", slice_height=TILE, slice_width=TILE,
    overlap_height_ratio=0, overlap_width_ratio=0, min_area_ratio=0, verbose=False,
)  # fmt: skip
names = {tile["id"]: tile["file_name"] for tile in tiles["images"]}
seen = {}
for label in tiles["annotations"]:
    left, top = (int(part) for part in names[label["image_id"]].split("_")[2:4])
    there = int(shaft[top : top + TILE, left : left + TILE].sum())
    seen[left, top] = there, int(pycocotools.mask.area(pycocotools.mask.frPyObjects(label["segmentation"], TILE, TILE))[0])
    print(f"tile at x {left}, y {top}: {there} pixels of the shaft, {seen[left, top][1]} in its outline {label['segmentation']}")
assert {at: there for at, (there, _) in seen.items()} == {(0, 0): 249, (64, 0): 0, (0, 64): 15, (64, 64): 216}
assert [seen[at][1] for at in ((0, 0), (64, 0), (0, 64), (64, 64))] == [1936, 1584, 1804, 1476], "changed"
PY
