#!/usr/bin/env bash
# map-boxes 1.0.6 reckoning the average precision of a detector of hooks over 25 frames: five show a hook, which is found
# with a confidence of 0.9, and twenty show none; on these one detector is silent, and one says "hook" with 0.95.
# Expected: 1.0 for the first; for the second 0.2, as pycocotools has it, since 20 of its surest 25 boxes are wrong.
# Seen: 1.0 for both, whichever way "exclude_not_in_annotations" is set, which is off by default: frames come from the list
#       of true boxes alone, so what is said on a frame without one is never looked at. Most frames of an operation have no
#       such instrument, and false alarms on them are what a surgeon sees.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check map-boxes==1.0.6 pandas==2.3.3 pycocotools==2.0.11 numpy==2.2.6
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import contextlib
import io

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

with contextlib.redirect_stdout(io.StringIO()):
    from map_boxes import mean_average_precision_for_boxes

LEFT, RIGHT, TOP, BOTTOM = 20, 80, 20, 60
full, empty = range(1, 6), range(6, 26)
truth = np.array([(f"frame{n}", "hook", LEFT, RIGHT, TOP, BOTTOM) for n in full], object)


def reckoned(said: list[tuple[int, float]]) -> tuple[float, float, float]:
    """By map-boxes with the option off and on, and by pycocotools, at an overlap of a half."""
    rows = np.array([(f"frame{n}", "hook", sure, LEFT, RIGHT, TOP, BOTTOM) for n, sure in said], object)
    ours = [
        mean_average_precision_for_boxes(truth, rows, exclude_not_in_annotations=off, verbose=False)[0]
        for off in (False, True)
    ]
    box = [LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": n} for n in (*full, *empty)],
            "categories": [{"id": 1, "name": "hook"}],
            "annotations": [
                {"id": n, "image_id": n, "category_id": 1, "bbox": box, "area": 2400, "iscrowd": 0} for n in full
            ],
        }
        coco.createIndex()
        answers = [{"image_id": n, "category_id": 1, "bbox": box, "score": sure} for n, sure in said]
        score = COCOeval(coco, coco.loadRes(answers), "bbox")
        score.evaluate()
        score.accumulate()
        score.summarize()
    return (*(round(float(value), 2) for value in ours), round(float(score.stats[1]), 2))


silent = [(n, 0.9) for n in full]
seen = {"silent": reckoned(silent), "false alarms": reckoned(silent + [(n, 0.95) for n in empty])}
for name, (off, on, coco) in seen.items():
    print(f"{name} on empty frames: {off} with the option off, {on} with it on, pycocotools {coco}")
assert seen["silent"] == (1, 1, 1) and seen["false alarms"][2] == 0.2
assert seen["false alarms"][:2] == (1, 1), "changed"
PY
