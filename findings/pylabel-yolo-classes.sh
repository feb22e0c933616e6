#!/usr/bin/env bash
# pylabel 0.1.55 turning COCO boxes of two instruments into YOLO with its YAML of class names; COCO counts its categories
# from 1, as its own files and most surgical ones do: 1 hook, 2 grasper.
# Expected: the number in a label file is the place of its name in the YAML that is written with it, 0 hook and 1 grasper.
# Seen: the label files keep 1 and 2, the YAML lists [hook, grasper] from 0: every hook is a grasper, and class 2 has no
#       name. (An option, cat_id_index=0, numbers them anew; without it the two files of one export contradict each other.)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check pylabel==0.1.55
cd "$work"
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import json
from pathlib import Path

import numpy as np
import yaml
from PIL import Image
from pylabel import importer

Image.fromarray(np.full((48, 64, 3), 90, np.uint8)).save("frame.png")
names = {1: "hook", 2: "grasper"}
boxes = {1: [4, 4, 10, 10], 2: [30, 20, 20, 10]}
coco = {
    "images": [{"id": 1, "file_name": "frame.png", "width": 64, "height": 48}],
    "categories": [{"id": n, "name": name} for n, name in names.items()],
    "annotations": [
        {"id": n, "image_id": 1, "category_id": n, "bbox": box, "area": box[2] * box[3], "iscrowd": 0, "segmentation": []}
        for n, box in boxes.items()
    ],
}
Path("coco.json").write_text(json.dumps(coco))


def named(folder: str, **options: int) -> list[str]:
    """The name that the export gives to the hook, which is the box on the left, and to the grasper."""
    dataset = importer.ImportCoco("coco.json", path_to_images=".")
    dataset.export.ExportToYoloV5(output_path=f"{folder}/labels", yaml_file="set.yaml", **options)
    classes = yaml.safe_load(Path(folder, "set.yaml").read_text())["names"]
    rows = sorted((line.split() for line in Path(folder, "labels/frame.txt").read_text().splitlines()), key=lambda r: r[1])
    return [classes[int(row[0])] if int(row[0]) < len(classes) else f"class {row[0]}, no name" for row in rows]


seen, told = named("plain"), named("told", cat_id_index=0)
print("hook and grasper are exported as", seen, "- with cat_id_index=0 as", told)
assert told == ["hook", "grasper"]
assert seen == ["grasper", "class 2, no name"], "changed"
PY
