#!/usr/bin/env bash
# libx264 (core 165) as PyAV 18.1.0 brings it, one thread, constant rate factor: whether a film depends on the processor.
# Expected: the same frames and options give the same bytes, whichever instructions the encoder may use.
# Seen: films differ between plain C and what the processor offers, since the macroblock tree sums floats in another
#       order. The option cpu-independent=1 gives one film for all. (With AVX-512 the film also follows what memory held.)
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || { echo "instruction sets of x86-64 are compared"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check av==18.1.0 numpy
"$work/v/bin/python" - <<'PY'
import hashlib
import io

import av
import numpy as np

y, x = np.mgrid[:152, :200]


def picture(n):
    wave = np.abs(((x + n) * 3 + y * 2) % 120 - 60)
    edge = ((x + n) // 23 + y // 17) % 2 * 25
    return np.stack([130 + wave + edge, 40 + wave // 2 + edge, 30 + wave // 3], 2).astype(np.uint8)


def film(params):
    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options={"fflags": "+bitexact"}) as target:
        stream = target.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = 200, 152, "yuv420p", 1
        stream.options = {"crf": "20", "preset": "veryfast", "flags": "+bitexact", "x264-params": params}
        for n in range(40):
            frame = av.VideoFrame.from_ndarray(picture(n), format="rgb24")
            frame.pts = n
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return hashlib.sha256(out.getvalue()).hexdigest()[:12]


free = {asm: film(f"asm={asm}") for asm in ("0", "AVX2")}
told = {asm: film(f"cpu-independent=1:asm={asm}") for asm in ("0", "AVX2")}
print(f"PyAV 18.1.0: left to itself {free}; with cpu-independent=1 {told}")
assert len(set(free.values())) == 2 and len(set(told.values())) == 1, "changed"
PY
