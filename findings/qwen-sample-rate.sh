#!/usr/bin/env bash
# qwen-vl-utils 0.0.14 (with decord 0.6.0) choosing frames of a clip of 2 s at 25 a second, as for gestures, at 2 a second.
# Every frame shows its number.
# Expected: the rate that it returns for the model's clock is that of the frames it chose: frame i is seen at i / rate.
# Seen: frames 0, 16, 33 and 49 are chosen, first and last among them, 0.65 s apart, and the rate is said to be 2.0: the
#       model is told that the last is seen at 1.5 s, where 1.96 s is right. Answers that name a second ("when is the clip
#       closed?") are learned up to a whole sampling interval early, the more so the nearer to the end.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check qwen-vl-utils==0.0.14 decord==0.6.0 torch==2.14.1 \
  torchvision==0.29.1 numpy==2.4.6 av==18.1.0
FORCE_QWENVL_VIDEO_READER=decord "$work/v/bin/python" - "$work" 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import sys

import av
import numpy as np
from qwen_vl_utils import fetch_video

WIDTH, HEIGHT, RATE, COUNT = 168, 112, 25, 50
path = f"{sys.argv[1]}/clip.mp4"


def numbered(n):
    bits = np.array([n >> b & 1 for b in range(8)], np.uint8).reshape(2, 4) * 255
    return np.repeat(np.repeat(bits, HEIGHT // 2, 0), WIDTH // 4, 1)[:, :, None].repeat(3, 2)


def number_of(pixels):
    at = [(HEIGHT // 4 + HEIGHT // 2 * (b // 4), WIDTH // 8 + WIDTH // 4 * (b % 4)) for b in range(8)]
    return sum(int(pixels[y, x].mean() > 127) << b for b, (y, x) in enumerate(at))


with av.open(path, "w") as out:
    stream = out.add_stream("libx264", rate=RATE, options={"x264-params": "keyint=12:bframes=0:log-level=none"})
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    for n in range(COUNT):
        out.mux(stream.encode(av.VideoFrame.from_ndarray(numbered(n), format="rgb24")))
    out.mux(stream.encode())

asked = {"type": "video", "video": path, "fps": 2.0, "resized_height": HEIGHT, "resized_width": WIDTH}
frames, rate = fetch_video(asked, return_video_sample_fps=True)
chosen = [number_of(frame.permute(1, 2, 0).numpy()) for frame in frames]
seen, told = [n / RATE for n in chosen], [i / rate for i in range(len(chosen))]
print(f"frames {chosen}, seen at {seen} s; rate {rate}, so the model is told {told} s")
assert chosen == [0, 16, 33, 49] and rate == 2.0 and seen[-1] - told[-1] > 0.45, "changed"
PY
