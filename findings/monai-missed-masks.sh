#!/usr/bin/env bash
# MONAI 1.6.1 measuring the Hausdorff distance over two frames: on the first the instrument was missed altogether, on the
# second it was found two pixels off.
# Expected: the 95th percentile treats the missed frame as the plain distance does, which is infinite.
# Seen: with percentile=95 (50, 99 and 100 alike) the missed frame is NaN, since a percentile between infinities is, and
#       the mean over frames leaves NaN out: 2.0, as if the frame had not been asked. Missing everything everywhere is 0.0,
#       the best value there is. Without a percentile both are infinite.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check monai==1.6.1 torch==2.13.0 scipy==1.17.1 numpy==2.4.6
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import numpy as np
import torch
from monai.metrics import HausdorffDistanceMetric


def classes(row: int | None) -> torch.Tensor:
    """Background and an instrument of 10 x 10 pixels from this row on, or none: (1, 2, 64, 64)."""
    mask = np.zeros((64, 64), bool)
    if row is not None:
        mask[row : row + 10, 10:20] = True
    return torch.from_numpy(np.stack([~mask, mask])[None]).float()


truth, near, nothing = classes(10), classes(12), classes(None)
seen = {}
for percentile in (None, 50, 95, 99, 100):
    for name, said in (("found two pixels off", [near]), ("missed, then found", [nothing, near]), ("missed", [nothing])):
        metric = HausdorffDistanceMetric(percentile=percentile)
        for one in said:
            metric(one, truth)
        seen[percentile, name] = metric.aggregate().item()
    print(f"percentile {percentile}:", {name: value for (at, name), value in seen.items() if at == percentile})
assert seen[None, "missed, then found"] == seen[None, "missed"] == float("inf")
assert seen[95, "found two pixels off"] == seen[95, "missed, then found"] == 2.0, "changed"
assert seen[95, "missed"] == seen[100, "missed"] == 0.0, "changed"
PY
