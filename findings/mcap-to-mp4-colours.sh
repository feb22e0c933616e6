#!/usr/bin/env bash
# mcap-to-mp4 0.6.0 turning a recording of ROS 2 into a film, as one does with those of surgical robots: ten frames of tissue
# (180, 60, 50) with a green patch (20, 200, 40), in the encodings that cameras and capture cards send.
# Expected: the same colours whichever encoding the messages name, or an error for one that is not known.
# Seen: rgb8, rgba8 and bgr8 come out right. With bgra8 the film is blue. With uyvy (what capture cards give) the bytes of
#       colour are taken for grey and those of brightness for a transparency that is thrown away: a grey film of other
#       shapes. Each time the program ends with "Done." and the message "Converted as 2 channel image format", or 4.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check mcap-to-mp4==0.6.0 mcap-ros2-support==0.5.7 imageio==2.38.1 \
  imageio-ffmpeg==0.8.1 opencv-python-headless==4.12.0.88
cd "$work"
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import subprocess
import sys

import cv2
import imageio
import numpy as np
from mcap_ros2.writer import Writer

LINE = "=" * 80
FIELDS = f"""std_msgs/Header header
uint32 height
uint32 width
string encoding
uint8 is_bigendian
uint32 step
uint8[] data
{LINE}
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
{LINE}
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""
HEIGHT, WIDTH, STEP = 48, 64, 40_000_000
frame = np.full((HEIGHT, WIDTH, 3), (180, 60, 50), np.uint8)
frame[10:30, 20:40] = (20, 200, 40)
sent = {
    "rgb8": frame,
    "rgba8": cv2.cvtColor(frame, cv2.COLOR_RGB2RGBA),
    "bgr8": frame[:, :, ::-1],
    "bgra8": cv2.cvtColor(frame, cv2.COLOR_RGB2BGRA),
    "uyvy": cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_UYVY),
}


def film(encoding: str, pixels: np.ndarray) -> tuple[list[int], list[int]]:
    """The colour of tissue and patch in the film that is made of ten such messages."""
    with open(f"{encoding}.mcap", "wb") as file:
        writer = Writer(file)
        kind = writer.register_msgdef("sensor_msgs/msg/Image", FIELDS)
        for n in range(10):
            header = {"stamp": {"sec": 0, "nanosec": n * STEP}, "frame_id": "left"}
            message = {"header": header, "height": HEIGHT, "width": WIDTH, "encoding": encoding, "is_bigendian": 0}
            message |= {"step": pixels.nbytes // HEIGHT, "data": pixels.tobytes()}
            writer.write_message("/left", kind, message, n * STEP, n * STEP, n)
        writer.finish()
    command = [sys.executable, "-m", "mcap_to_mp4.cli", f"{encoding}.mcap", "-t", "/left", "-o", f"{encoding}.mp4"]
    assert "Done." in subprocess.run(command, check=True, capture_output=True, text=True).stdout
    first = imageio.get_reader(f"{encoding}.mp4").get_data(0).astype(int)
    return first[40, 8].tolist(), first[20, 30].tolist()


def near(one, other) -> bool:
    return bool(np.abs(np.subtract(one, other)).max() <= 8)


seen = {encoding: film(encoding, pixels) for encoding, pixels in sent.items()}
for encoding, colours in seen.items():
    print(f"{encoding}: tissue {colours[0]}, patch {colours[1]}")
for encoding in ("rgb8", "rgba8", "bgr8"):
    assert near(seen[encoding][0], (180, 60, 50)) and near(seen[encoding][1], (20, 200, 40))
assert near(seen["bgra8"][0], (50, 60, 180)) and near(seen["bgra8"][1], (40, 200, 20)), "changed"
assert all(max(colour) == min(colour) for colour in seen["uyvy"]), "changed"
PY
