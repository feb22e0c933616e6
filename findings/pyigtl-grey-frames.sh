#!/usr/bin/env bash
# OpenIGTLink is how trackers, ultrasound and endoscopy towers hand frames to Slicer and PLUS. pyigtl, its Python
# library, takes an image of one to four dimensions, axes (k, j, i, components). A grey frame of 48 rows and 64 columns
# given as a two-dimensional array leaves as 48 slices of 64 rows that are one pixel wide: the missing axis is added
# behind, where columns belong, not in front, where slices do. The receiver sees a stack of lines, spacing and centre
# belong to another axis, and nothing is raised. The same frame as (1, 48, 64) arrives as one slice.
# Expected: a frame of two dimensions arrives as one slice, (1, 48, 64), as numpy adds axes and as a 2-D image is meant.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q 'pyigtl==0.3.4' 'numpy==2.4.6'
"$work/venv/bin/python" - <<'PY'
import socket
from importlib.metadata import version

import numpy as np
import pyigtl

frame = np.arange(48 * 64, dtype=np.uint8).reshape(48, 64)
with socket.socket() as free:
    free.bind(("localhost", 0))
    port = free.getsockname()[1]
server = pyigtl.OpenIGTLinkServer(port=port)
client = pyigtl.OpenIGTLinkClient("localhost", port)
try:
    found = {}
    for name, image in (("two", frame), ("three", frame[None])):
        message = pyigtl.ImageMessage(image, device_name=name)
        for _ in range(100):  # a message sent before the client is connected is lost
            server.send_message(message, wait=True)
            arrived = client.wait_for_message(name, timeout=1)
            if arrived is not None:
                break
        found[name] = arrived.image
        print(f"{image.shape} arrives as {arrived.image.shape}")
finally:
    client.stop()
    server.stop()
assert found["three"].shape == (1, 48, 64) and (found["three"][0] == frame).all()
assert found["two"].shape == (48, 64, 1), "changed: a frame of two dimensions arrives in another shape"
assert (found["two"][:, :, 0] == frame).all()
print(f"pyigtl {version('pyigtl')}: a frame of two dimensions arrives as 48 slices, one pixel wide")
PY
