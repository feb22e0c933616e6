#!/usr/bin/env bash
# label_convert 0.3.0 turning labelme outlines into COCO: the shaft of an instrument, 8 pixels thick, that comes in slanted
# from the lower left, as most do, and one that lies level.
# Expected: the box around the outline: [20, 30, 60, 66] for the slanted shaft, [100, 20, 60, 8] for the level one; and the
#           outline as one flat list of numbers, as COCO has it.
# Seen: the smallest turned rectangle is reckoned, and two of its corners are written as if it stood upright: the slanted
#       shaft is [19, 90, 62, -54], a box below the instrument with a height below zero; the level one is right. Outlines
#       are lists of pairs, four parts of one point each to a reader of COCO. Nothing is raised.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check label_convert==0.3.0 pillow==12.0.0 numpy==2.4.6
cd "$work"
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import json
from pathlib import Path

import numpy as np
from label_convert.labelme_to_coco import LabelmeToCOCO
from PIL import Image

outlines = {
    "slanted": [[20, 90], [26, 96], [80, 36], [74, 30]],
    "level": [[100, 20], [160, 20], [160, 28], [100, 28]],
}
for name, points in outlines.items():
    folder = Path(name)
    folder.mkdir()
    shape = {"label": "hook", "points": points, "shape_type": "polygon", "group_id": None, "flags": {}}
    labels = {"version": "5.5.0", "flags": {}, "shapes": [shape], "imagePath": "f.png", "imageData": None}
    Image.fromarray(np.full((120, 200, 3), 90, np.uint8)).save(folder / "f.png")
    (folder / "f.json").write_text(json.dumps({**labels, "imageHeight": 120, "imageWidth": 200}))
seen, forms = {}, set()  # boxes, and how many parts outlines have
for name, points in outlines.items():
    LabelmeToCOCO(name, f"{name}-coco", val_ratio=0, have_test=False, test_ratio=0)()
    (row,) = json.loads(Path(f"{name}-coco/annotations/instances_train2017.json").read_text())["annotations"]
    low, high = np.min(points, 0), np.max(points, 0)
    seen[name] = row["bbox"]
    forms.add(len(row["segmentation"]))
    print(f"{name}: by hand {[*low.tolist(), *(high - low).tolist()]}, exported {row['bbox']}, area {row['area']}")
assert seen["level"] == [100, 20, 60, 8]
assert seen["slanted"] == [19, 90, 62, -54] and forms == {4}, "changed"
PY
