#!/usr/bin/env bash
# webdataset 1.0.2, decode("pil"), on a 16-bit grey PNG: the usual form of a depth map beside a picture in a shard.
# Expected: the values arrive, or an error says that they do not fit.
# Seen: the picture arrives as RGB, and each value above 255 as 255: a depth map of 0..65535 is white all over, silently.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check webdataset==1.0.2 pillow==12.0.0 numpy==2.3.5
cd "$work"
"$work/v/bin/python" - <<'PY'
import io
import tarfile

import numpy as np
import webdataset
from PIL import Image

depth = np.linspace(1000, 65535, 48 * 64).reshape(48, 64).astype(np.uint16)
png = io.BytesIO()
Image.fromarray(depth).save(png, "PNG")
with tarfile.open("a.tar", "w") as tar:
    entry = tarfile.TarInfo("000.target.png")
    entry.size = len(png.getvalue())
    tar.addfile(entry, io.BytesIO(png.getvalue()))
sample = next(iter(webdataset.WebDataset("a.tar", shardshuffle=False).decode("pil")))
seen = np.asarray(sample["target.png"])
print("stored:", depth.dtype, depth.min(), depth.max(), "- arrives:", seen.dtype, seen.shape, seen.min(), seen.max())
assert (seen.dtype, seen.shape, int(seen.min()), int(seen.max())) == (np.uint8, (48, 64, 3), 255, 255), "changed"
PY
