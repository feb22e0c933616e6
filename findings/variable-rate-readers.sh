#!/usr/bin/env bash
# moviepy 2.2.1 and deffcode 0.2.8 (both on FFmpeg 7) reading an MP4 film of variable rate, as screen recorders and
# telephones in theatres write: 40 frames at 25 a second, 40 at 12.5, 40 at 50; 5.6 s in all. Every frame shows its number.
# Expected: get_frame(t) of moviepy is the frame shown at t; deffcode gives each frame of the film.
# Seen: at 4.0 s, where frame 70 is shown, moviepy gives frame 41, and at its end, 5.5 s, frame 49: the film as it comes from
#       FFmpeg has 50 frames a second, and is read as if it had 21.2, the mean. Everything behind frame 49 can never be
#       had. deffcode ends there as well: frames come twice, and the second half of the operation is missing, in silence.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check moviepy==2.2.1 deffcode==0.2.8 imageio-ffmpeg==0.8.1 av==18.1.0
"$work/v/bin/python" - "$work" 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import bisect
import sys
from fractions import Fraction

import av
import deffcode
import imageio_ffmpeg
import moviepy
import numpy as np

av.logging.set_level(av.logging.PANIC)
SIZE, STEPS = (96, 64), [40] * 40 + [80] * 40 + [20] * 40
TIMES = [sum(STEPS[:n]) for n in range(len(STEPS))]  # milliseconds


def numbered(n):
    bits = np.array([n >> b & 1 for b in range(8)], np.uint8).reshape(2, 4) * 255
    return np.repeat(np.repeat(bits, 32, 0), 24, 1)[:, :, None].repeat(3, 2)


def number_of(pixels):
    return sum(int(pixels[16 + 32 * (b // 4), 12 + 24 * (b % 4)].mean() > 127) << b for b in range(8))


path = f"{sys.argv[1]}/film.mp4"
with av.open(path, "w") as out:
    stream = out.add_stream("libx264", rate=25, options={"x264-params": "bframes=0:log-level=none"})
    stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
    stream.codec_context.time_base = Fraction(1, 1000)
    for n, time in enumerate(TIMES):
        frame = av.VideoFrame.from_ndarray(numbered(n), format="rgb24")
        frame.pts, frame.time_base = time, Fraction(1, 1000)
        out.mux(stream.encode(frame))
    out.mux(stream.encode())
with av.open(path) as container:
    front = [(number_of(frame.to_ndarray(format="rgb24")), round(frame.time * 1000)) for frame in container.decode(video=0)]
assert front == list(enumerate(TIMES)), "the film itself is right"

clip = moviepy.VideoFileClip(path, audio=False)
shown = {t: bisect.bisect_right(TIMES, 1000 * t) - 1 for t in (0.0, 1.0, 2.0, 4.0, 5.5)}
given = {t: number_of(clip.get_frame(t)) for t in shown}
clip.close()
print("shown at each second:", shown, "- moviepy:", given)

decoder = deffcode.FFdecoder(path, frame_format="rgb24", custom_ffmpeg=imageio_ffmpeg.get_ffmpeg_exe()).formulate()
frames = [number_of(frame) for frame in decoder.generateFrame()]
decoder.terminate()
print(f"deffcode: {len(frames)} frames, the last shows number {frames[-1]}, {len(set(frames))} different ones of {len(TIMES)}")
assert shown[4.0] == 70 and given[4.0] == 41 and given[5.5] == 49, "changed"
assert frames[-1] == 49 and len(set(frames)) == 50, "changed"
PY
