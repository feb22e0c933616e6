#!/usr/bin/env bash
# coco-froc-analysis 0.2.15, which draws the FROC curve that polyp detectors are judged by, on ten frames with one polyp each,
# upper left. One detector marks each polyp, one marks the lower right corner of each frame, where there is nothing.
# Expected: the first finds all with no false alarm; the second finds none with one false alarm a frame.
# Seen: both find all with no false alarm, by the centre of the box and by an overlap of a half alike: boxes are paired at
#       least cost, and a pair that costs a million because it does not touch is counted like any other. As long as a frame
#       has a polyp, each box in it is a hit wherever it lies.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check coco-froc-analysis==0.2.15
cd "$work"
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
from coco_froc_analysis.froc import froc_point

FRAMES, POLYP, NOTHING = range(1, 11), [20, 20, 60, 50], [250, 180, 60, 50]
truth = {
    "images": [{"id": n, "file_name": f"{n}.png", "width": 320, "height": 240} for n in FRAMES],
    "annotations": [{"id": n, "image_id": n, "category_id": 1, "bbox": POLYP, "area": 3000, "iscrowd": 0} for n in FRAMES],
    "categories": [{"id": 1, "name": "polyp"}],
}


def point(box: list[int], by_overlap: bool) -> tuple[float, float]:
    """Sensitivity and false alarms a frame of a detector that gives this box on every frame."""
    said = [{"image_id": n, "category_id": 1, "bbox": box, "score": 0.9} for n in FRAMES]
    counts = froc_point(truth, said, 0.5, by_overlap, 0.5)[1]
    return counts["LL"] / counts["n_lesions"], counts["NL"] / counts["n_images"]


seen = {}
for name, box in (("on the polyp", POLYP), ("in the other corner", NOTHING)):
    seen[name] = [point(box, by_overlap) for by_overlap in (False, True)]
    print(f"boxes {name}: (sensitivity, false alarms a frame) by centre {seen[name][0]}, by overlap {seen[name][1]}")
assert seen["on the polyp"] == [(1, 0), (1, 0)]
assert seen["in the other corner"] == [(1, 0), (1, 0)], "changed"
PY
