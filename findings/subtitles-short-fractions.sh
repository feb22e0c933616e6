#!/usr/bin/env bash
# Four readers of subtitles (narrated surgical videos) and one time stamp with a short fraction, "00:00:06,5".
# Expected: a fraction is a fraction: 6.5 seconds, or an error.
# Seen: webvtt-py 0.6.0, srt 3.5.3 and pysrt 1.1.2 read 6.005 seconds (the digits as milliseconds), pysubs2 1.8.1 reads 6.5.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check webvtt-py==0.6.0 srt==3.5.3 pysrt==1.1.2 pysubs2==1.8.1
cd "$work"
"$work/v/bin/python" - <<'PY'
from pathlib import Path

import pysrt
import pysubs2
import srt
import webvtt

text = "1\n00:00:01,000 --> 00:00:06,5\nThe hook opens the peritoneum.\n\n"
Path("a.srt").write_text(text, "utf-8")
seen = {
    "srt 3.5.3": next(iter(srt.parse(text))).end.total_seconds(),
    "pysrt 1.1.2": pysrt.from_string(text)[0].end.ordinal / 1000,
    "pysubs2 1.8.1": pysubs2.SSAFile.from_string(text, format_="srt")[0].end / 1000,
}
cue = webvtt.from_srt("a.srt")[0]
hours, minutes, seconds = cue.end.split(":")
seen["webvtt-py 0.6.0"] = 3600 * int(hours) + 60 * int(minutes) + float(seconds)
for name, value in seen.items():
    print(f"{name}: {value} s")
assert {n for n, v in seen.items() if v == 6.5} == {"pysubs2 1.8.1"}, "changed"
assert all(v in (6.5, 6.005) for v in seen.values()), "changed"
PY
