#!/usr/bin/env bash
# mmeval 0.2.1 (the scorers of OpenMMLab) comparing class masks with themselves, as numbers of 64 bits and as bytes, the
# form in which masks are read from PNG: 13 classes, as CholecSeg8k has, and 36, as the cataract set CaDIS has.
# Expected: a mask compared with itself has a mean IoU of 1, whatever the type of its numbers.
# Seen: so with 13 classes; with 36 classes and bytes it is 0.06, since "classes times truth plus answer" is reckoned in
#       bytes and runs over from 17 classes on. Pixels are counted for other pairs of classes. Nothing is raised.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check mmeval==0.2.1 numpy==2.2.6
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import numpy as np
from mmeval import MeanIoU

seen = {}
for classes in (13, 16, 17, 36):
    mask = np.repeat(np.arange(classes), 8).reshape(classes, 8)
    for kind in (np.int64, np.uint8):
        told = mask.astype(kind)
        seen[classes, kind.__name__] = round(float(MeanIoU(num_classes=classes)([told], [told])["mIoU"]), 2)
print(", ".join(f"{classes} classes as {kind}: {score}" for (classes, kind), score in seen.items()))
assert all(score == 1 for (_, kind), score in seen.items() if kind == "int64")
assert [seen[n, "uint8"] for n in (13, 16, 17, 36)] == [1.0, 1.0, 0.84, 0.06], "changed"
PY
