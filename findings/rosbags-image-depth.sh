#!/usr/bin/env bash
# rosbags-image 0.10.4 reading a depth map of a stereo endoscope, 300 to 1200 in tenths of a millimetre, from a
# compressed message of ROS: a PNG of 16 bits, whose format field says "16UC1; png compressed".
# Expected: the values that were sent, in 16 bits, as the same package gives them from an uncompressed message.
# Seen: 8 bits, 1 to 4: each value without its lower byte, a surface of four steps. Nothing is raised, and the picture
#       looks black, as a depth map often does. (The picture is decoded without the flag that keeps its depth.)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check rosbags-image==0.10.4 opencv-python-headless==4.12.0.88
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import cv2
import numpy as np
from rosbags.image import message_to_cvimage
from rosbags.typesys import Stores, get_typestore

HEIGHT, WIDTH = 48, 60
types = get_typestore(Stores.ROS2_HUMBLE).types
header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), "left")
depth = np.linspace(300, 1200, HEIGHT * WIDTH).round().astype(np.uint16).reshape(HEIGHT, WIDTH)
png = cv2.imencode(".png", depth)[1].reshape(-1)
plain = types["sensor_msgs/msg/Image"](header, HEIGHT, WIDTH, "16UC1", 0, 2 * WIDTH, depth.view(np.uint8).reshape(-1))
packed = types["sensor_msgs/msg/CompressedImage"](header, "16UC1; png compressed ", png)
seen = {"uncompressed": message_to_cvimage(plain), "compressed": message_to_cvimage(packed)}
for name, values in seen.items():
    print(f"{name}: {values.dtype}, {values.min()} to {values.max()}, {len(np.unique(values))} depths")
assert np.array_equal(cv2.imdecode(png, cv2.IMREAD_UNCHANGED), depth) and np.array_equal(seen["uncompressed"], depth)
assert np.array_equal(seen["compressed"], depth >> 8) and seen["compressed"].dtype == np.uint8, "changed"
PY
