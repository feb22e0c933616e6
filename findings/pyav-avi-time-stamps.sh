#!/usr/bin/env bash
# Frames of an AVI film with B-frames do not carry the time they are shown at. PyAV (FFmpeg) gives them in the right order,
# but for H.264 with time stamps out of that order, and for MPEG-4 each one frame later than the start of the stream says.
# AVI holds only the order of decoding, so FFmpeg makes the times of display up. Code that looks up a frame by frame.pts,
# or that takes (pts - stream.start_time) * rate for its number, gets another one without a word.
# Expected: rising time stamps, the first at stream.start_time; seen in Matroska with the same codecs.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q 'av==18.1.0' 'numpy==2.4.6'
"$work/venv/bin/python" - "$work" <<'PY'
import sys
from pathlib import Path

import av
import numpy as np

av.logging.set_level(av.logging.PANIC)
COUNT, SIZE = 60, (96, 64)


def numbered(n):
    bits = np.array([n >> b & 1 for b in range(8)], np.uint8).reshape(2, 4) * 255
    return np.repeat(np.repeat(bits, 32, 0), 24, 1)[:, :, None].repeat(3, 2)


def number_of(frame):
    pixels = frame.to_ndarray(format="rgb24")
    return sum(int(pixels[16 + 32 * (b // 4), 12 + 24 * (b % 4)].mean() > 127) << b for b in range(8))


def write(path, codec, options):
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *SIZE, "yuv420p", 12
        stream.codec_context.max_b_frames = 2
        for n in range(COUNT):
            for packet in stream.encode(av.VideoFrame.from_ndarray(numbered(n), format="rgb24")):
                out.mux(packet)
        for packet in stream.encode():
            out.mux(packet)


def times(path):
    """When the stream starts, and the time stamp of each frame in the order in which they come."""
    with av.open(str(path)) as container:
        frames = [(number_of(frame), frame.pts) for frame in container.decode(video=0)]
        assert [number for number, _ in frames] == list(range(COUNT)), "frames come in the right order"
        return container.streams.video[0].start_time, [pts for _, pts in frames]


found = {}
for codec, options in (("libx264", {"x264-params": "log-level=none"}), ("mpeg4", {})):
    for kind in ("mkv", "avi"):
        path = Path(sys.argv[1]) / f"{codec}.{kind}"
        write(path, codec, options)
        start, stamps = times(path)
        found[codec, kind] = stamps == sorted(stamps), stamps[0] == start
        print(f"{codec} in {kind}: starts at {start}, the first frames are at {stamps[:8]}")
expected = {
    ("libx264", "mkv"): (True, True), ("libx264", "avi"): (False, False),
    ("mpeg4", "mkv"): (True, True), ("mpeg4", "avi"): (True, False),
}
if found != expected:
    print("this has changed:", found)
    sys.exit(1)
print(f"as described, PyAV {av.__version__}, FFmpeg {av.ffmpeg_version_info}")
PY
