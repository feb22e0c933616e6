#!/usr/bin/env bash
# imageio 2.38.1 with its PyAV plugin reading the frame at an index, from films without B-frames and of constant rate, as
# surgical labels by frame number are joined to films. Every frame shows its number.
# Expected: read(index=n) is the n-th frame, as its documentation says.
# Seen: right in MP4 at 30000/1001 a second. In Matroska, whose times are whole milliseconds, frames behind a key frame
#       come one too late (28 gives 29). In a film whose first time stamp is 2 s, as parts of a recording have, index 60
#       gives 10: the index is turned into a time without the start of the stream. Nothing is raised.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check imageio==2.38.1 av==18.1.0 numpy==2.4.6
"$work/v/bin/python" - "$work" <<'PY'
import sys
from fractions import Fraction
from pathlib import Path

import av
import imageio.v3 as iio
import numpy as np

av.logging.set_level(av.logging.PANIC)
COUNT, SIZE, NTSC = 120, (96, 64), Fraction(30000, 1001)


def numbered(n):
    bits = np.array([n >> b & 1 for b in range(8)], np.uint8).reshape(2, 4) * 255
    return np.repeat(np.repeat(bits, 32, 0), 24, 1)[:, :, None].repeat(3, 2)


def number_of(pixels):
    return sum(int(pixels[16 + 32 * (b // 4), 12 + 24 * (b % 4)].mean() > 127) << b for b in range(8))


def write(path, rate, start):
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=rate, options={"x264-params": "keyint=12:bframes=0:log-level=none"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for n in range(COUNT):
            frame = av.VideoFrame.from_ndarray(numbered(n), format="rgb24")
            frame.pts, frame.time_base = n + start, 1 / Fraction(rate)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())


films = {"ntsc.mp4": (NTSC, 0), "ntsc.mkv": (NTSC, 0), "late.mkv": (25, 50), "late.mp4": (25, 50)}
seen = {}
for name, film in films.items():
    path = Path(sys.argv[1]) / name
    write(path, *film)
    front = [number_of(frame) for frame in iio.imiter(path, plugin="pyav")]
    assert front == list(range(COUNT)), "the film itself is right, and read from its front it comes right"
    with iio.imopen(path, "r", plugin="pyav") as file:
        got = {n: number_of(file.read(index=n)) for n in (60, 28, 100, 10, 45)}
    seen[name] = {n: m for n, m in got.items() if n != m}
    print(f"{name}: asked for and got {got}")
assert seen["ntsc.mp4"] == {} and seen["ntsc.mkv"][28] == 29, "changed"
assert seen["late.mkv"][60] == seen["late.mp4"][60] == 10, "changed"
PY
