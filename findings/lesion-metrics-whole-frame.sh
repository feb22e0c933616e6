#!/usr/bin/env bash
# lesion-metrics 0.1.12, which scores lesions one by one, on a frame of 64 x 64 with a polyp of 10 x 10 pixels. One answer is
# the polyp itself, one is two pixels off, and one is the whole frame.
# Expected: the intersection over union of the polyp is 1, 0.67 and 100/4096 = 0.02, and a whole frame finds no polyp.
# Seen: 1, 0.8 and 1: the answer is cut to the box around the lesion before it is compared, so what it marks outside does
#       not count. The rate of lesions found at an overlap of a half is 1 for the whole frame. Its own jaccard() says 0.02.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check lesion-metrics==0.1.12
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import numpy as np
from lesion_metrics.metrics import iou_per_lesion, jaccard, ltpr


def square(row: int) -> np.ndarray:
    mask = np.zeros((64, 64), bool)
    mask[row : row + 10, 10:20] = True
    return mask


polyp, seen = square(10), {}
for name, said in (("right", polyp), ("two pixels off", square(12)), ("whole frame", np.ones((64, 64), bool))):
    (overlap,) = iou_per_lesion(polyp, said)
    seen[name] = [round(float(v), 2) for v in (overlap, jaccard(said, polyp), ltpr(said, polyp, iou_threshold=0.5))]
    print(f"{name}: overlap by lesion {seen[name][0]}, by hand {seen[name][1]}, found at a half {seen[name][2]}")
assert seen["right"] == [1, 1, 1] and seen["two pixels off"][1] == 0.67 and seen["whole frame"][1] == 0.02
assert seen["two pixels off"][0] == 0.8 and seen["whole frame"][::2] == [1, 1], "changed"
PY
