#!/usr/bin/env bash
# miseval 1.3.0 measuring the Hausdorff distance of two binary masks: an instrument of 10 x 10 pixels in a frame of 64 x 64
# and the same square 3, 10 and 30 pixels to the right, where the distance is 3, 10 and 30 by hand and by scipy.
# Expected: "HD", the simple Hausdorff distance, is that; "AHD", the average one, lies below it where the masks overlap.
# Seen: "HD" is 2.45, 3.16 and 3.16, and 0 each time with both frames transposed: each row of the frame is taken for one
#       point of 64 dimensions, so it is the distance between rows, not pixels. "AHD" is the maximum, 3, 10 and 30.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check miseval==1.3.0 scipy==1.17.1 numpy==2.4.6
"$work/v/bin/python" - <<'PY'
import numpy as np
from miseval import evaluate
from scipy.spatial.distance import directed_hausdorff


def square(row: int, column: int) -> np.ndarray:
    mask = np.zeros((64, 64), int)
    mask[row : row + 10, column : column + 10] = 1
    return mask


def hausdorff(one: np.ndarray, other: np.ndarray) -> float:
    a, b = np.argwhere(one), np.argwhere(other)
    return max(directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0])


truth, seen = square(10, 10), []
for away in (3, 10, 30):
    said = square(10, 10 + away)
    pairs = ((truth, said), (truth.T, said.T))
    right = [hausdorff(*pair) for pair in pairs]
    simple = [round(float(evaluate(*pair, metric="HD")), 2) for pair in pairs]
    average = float(evaluate(truth, said, metric="AHD"))
    print(f"{away} pixels away: by scipy {right}, HD {simple} (as it is, transposed), AHD {average}")
    assert right == [away, away]
    seen.append((simple, average))
assert [simple for simple, _ in seen] == [[2.45, 0], [3.16, 0], [3.16, 0]], "changed"
assert [average for _, average in seen] == [3, 10, 30], "changed"
PY
