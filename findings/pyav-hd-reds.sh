#!/usr/bin/env bash
# PyAV 16.1.0 beside 18.1.0 reading an HD film by BT.709, as endoscopy towers record: one red, (180, 40, 30), and a header
# that names the matrix. Trainers and harnesses still pin PyAV below 16 or 17 for their clips.
# Expected: to_ndarray("rgb24") heeds the matrix that the frame itself reports; the red comes back within 3 levels.
# Seen: 16.1.0 reports BT.709 and converts by BT.601: the red is (166, 24, 31), tissue darker and bluer, in silence. 18.1.0
#       gives (179, 37, 29). A set whose stills and clips were cut with different versions has two kinds of blood.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 16.1.0 18.1.0; do
  python3 -m venv "$work/$version"
  "$work/$version/bin/pip" install -q --disable-pip-version-check "av==$version" numpy==2.4.3
done
cd "$work"
"$work/18.1.0/bin/python" - <<'PY'
import av
import numpy as np

red, green, blue = 180 / 255, 40 / 255, 30 / 255
luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
values = 16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748
with av.open("film.mp4", "w") as out:
    stream = out.add_stream("libx264", rate=25, options={"crf": "1"})
    stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
    context = stream.codec_context
    context.colorspace = context.color_primaries = context.color_trc = context.color_range = 1
    for n in range(5):
        frame = av.VideoFrame(1280, 720, "yuv420p")
        for plane, value in zip(frame.planes, values):
            plane.update(np.full((plane.height, plane.line_size), round(value), np.uint8))
        frame.pts, frame.colorspace, frame.color_range = n, 1, 1
        out.mux(stream.encode(frame))
    out.mux(stream.encode())
PY
for version in 16.1.0 18.1.0; do
  "$work/$version/bin/python" - <<'PY'
import av

with av.open("film.mp4") as film:
    frame = next(film.decode(video=0))
seen = frame.to_ndarray(format="rgb24")[300, 600].astype(int)
off = max(abs(seen - (180, 40, 30)))
print(av.__version__, "matrix", frame.colorspace, "pixel", *seen)
assert frame.colorspace == 1, "changed"
assert off > 10 if av.__version__ == "16.1.0" else off <= 3, "changed"
PY
done
