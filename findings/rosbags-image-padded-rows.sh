#!/usr/bin/env bash
# rosbags-image 0.10.4 turning camera messages of ROS into pictures, as recordings of surgical robots are unpacked: one
# frame of 60 x 48 pixels, sent with rows of 180 bytes, and with rows padded to 192, as drivers that align rows send
# it; the field `step` of the message says which.
# Expected: both messages give the same picture, since `step` is the length of a row in bytes.
# Seen: `step` is not read. The padded frame is cut from the front of the bytes, so that each row begins four pixels later
#       than the one above: an upright shaft is slanted, and the lowest rows are missing. Nothing is raised.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check rosbags-image==0.10.4 opencv-python-headless==4.12.0.88
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import numpy as np
from rosbags.image import message_to_cvimage
from rosbags.typesys import Stores, get_typestore

HEIGHT, WIDTH, SHAFT = 48, 60, slice(20, 26)
types = get_typestore(Stores.ROS2_HUMBLE).types
header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), "left")
frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
frame[:, SHAFT] = (200, 190, 180)


def received(step: int) -> np.ndarray:
    rows = np.zeros((HEIGHT, step), np.uint8)
    rows[:, : WIDTH * 3] = frame.reshape(HEIGHT, -1)
    message = types["sensor_msgs/msg/Image"](header, HEIGHT, WIDTH, "bgr8", 0, step, rows.reshape(-1))
    return message_to_cvimage(message, "bgr8")


for step in (180, 192):
    columns = [int(row.any(axis=1).argmax()) for row in received(step)]
    print(f"rows of {step} bytes: the shaft begins at columns", *columns[:5])
assert np.array_equal(received(180), frame)
padded = received(192)
assert padded.shape == frame.shape and [int(r.any(axis=1).argmax()) for r in padded[:3]] == [20, 24, 28], "changed"
PY
