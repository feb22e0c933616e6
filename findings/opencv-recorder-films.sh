#!/usr/bin/env bash
# OpenCV 5.0.0 (4.14.0 alike) jumping to a frame of the films that recorders in operating theatres write: MTS (transport
# stream, H.264 with B-frames) and VOB (program stream of DVD recorders, MPEG-2). 120 frames, each shows its number.
# Expected: after set(CAP_PROP_POS_FRAMES, n), which counts from 0, read() gives frame n; read from the front all is right.
# Seen: in the MTS film 0 gives frame 16, and 1 to 15 all give 17: the jump lands on the second key frame. In the VOB film
#       every frame from 40 on comes one too early (60 gives 59), and CAP_PROP_FRAME_COUNT says 102. Nothing is raised.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check opencv-python-headless==5.0.0.93 av==18.1.0 numpy==2.4.6
OPENCV_FFMPEG_LOGLEVEL=-8 "$work/v/bin/python" - "$work" 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import sys

import av
import cv2
import numpy as np

av.logging.set_level(av.logging.PANIC)
COUNT, SIZE = 120, (96, 64)


def numbered(n):
    bits = np.array([n >> b & 1 for b in range(8)], np.uint8).reshape(2, 4) * 255
    return np.repeat(np.repeat(bits, 32, 0), 24, 1)[:, :, None].repeat(3, 2)


def number_of(pixels):
    return sum(int(pixels[16 + 32 * (b // 4), 12 + 24 * (b % 4)].mean() > 127) << b for b in range(8))


def write(path, form, codec, options):
    with av.open(path, "w", format=form) as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for n in range(COUNT):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(n), format="rgb24")))
        out.mux(stream.encode())


films = {
    "film.mts": ("mpegts", "libx264", {"x264-params": "keyint=25:log-level=none"}),
    "film.vob": ("vob", "mpeg2video", {}),
}
seen, counts = {}, {}
for name, film in films.items():
    path = f"{sys.argv[1]}/{name}"
    write(path, *film)
    capture, front = cv2.VideoCapture(path), []
    counts[name] = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    while (got := capture.read())[0]:
        front.append(number_of(got[1]))
    assert front == list(range(COUNT)), "the film itself is right"
    seen[name] = {}
    for n in (90, 0, 60, 1, 10, 30):
        capture.set(cv2.CAP_PROP_POS_FRAMES, n)
        right, pixels = capture.read()
        seen[name][n] = number_of(pixels) if right else None
    print(f"OpenCV {cv2.__version__}, {name}: said to have {counts[name]:.0f} frames, asked for and got {seen[name]}")
assert seen["film.mts"] == {90: 90, 0: 16, 60: 60, 1: 17, 10: 17, 30: 30}, "changed"
assert seen["film.vob"] == {90: 89, 0: 0, 60: 59, 1: 1, 10: 10, 30: 30} and counts["film.vob"] != COUNT, "changed"
PY
