#!/usr/bin/env bash
# seg-metrics 1.2.8 comparing the masks of one frame: an instrument of 10 x 10 pixels that the model missed altogether.
# Expected: no distance between a mask and nothing (NaN, infinity, the frame's diagonal) or an error.
# Seen: Hausdorff distance, its 95th percentile and the mean surface distance are 0.0, the score of a perfect answer; a
#       model that finds it two pixels off has 2.0 and 1.0. The other way round, an instrument where none is, is 0.0 too.
#       A mean over frames gets better by each frame on which nothing is said.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check seg-metrics==1.2.8 numpy==2.4.6
"$work/v/bin/python" - <<'PY' 2>"$work/errors" || { cat "$work/errors"; exit 1; }
import numpy as np
from seg_metrics import seg_metrics

NAMES = ["dice", "hd", "hd95", "msd"]
nothing = np.zeros((64, 64), int)
truth, near = nothing.copy(), nothing.copy()
truth[10:20, 10:20] = near[12:22, 10:20] = 1
cases = {"right": (truth, truth), "two pixels off": (truth, near), "missed": (truth, nothing), "made up": (nothing, truth)}
seen = {}
for name, (there, said) in cases.items():
    (row,) = seg_metrics.write_metrics(labels=[1], gdth_img=there, pred_img=said, metrics=list(NAMES))
    seen[name] = [round(float(row[key][0]), 2) for key in NAMES]
    print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in zip(NAMES, seen[name])))
assert seen["right"] == [1, 0, 0, 0] and seen["two pixels off"] == [0.8, 2, 2, 1]
assert seen["missed"] == seen["made up"] == [0, 0, 0, 0], "changed"
PY
