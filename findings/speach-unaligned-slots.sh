#!/usr/bin/env bash
# In an ELAN file, annotations of a Time_Subdivision tier share the span of their parent without gaps; boundaries that
# nobody set have a time slot without TIME_VALUE, which the format allows and ELAN draws evenly spaced. speach reads
# such files without a word, and reckons a missing value as 0 seconds: of the three parts of a step from 10 s to 16 s
# the first lasts -10 s, the second 0 s, the third 16 s. Their sum is right, so a check of the whole finds nothing.
# Expected: 2 s each, as ELAN shows them, or None, as the property sec of such a slot is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q 'speach==0.1a15.post1'
"$work/venv/bin/python" - "$work" <<'PY'
import sys
from importlib.metadata import version

from speach import elan

TYPES = (("step", ""), ("part", ' CONSTRAINTS="Time_Subdivision"'))
SLOTS = ('TIME_VALUE="10000"', "", "", 'TIME_VALUE="16000"')
part = "".join(
    f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{n + 1}" TIME_SLOT_REF1="ts{n}" TIME_SLOT_REF2="ts{n + 1}">'
    f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>"
    for n, text in enumerate(("approach", "bite", "release"), 1)
)
document = f"""<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/>
<TIME_ORDER>{"".join(f'<TIME_SLOT TIME_SLOT_ID="ts{n}" {value}/>' for n, value in enumerate(SLOTS, 1))}</TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="step" TIER_ID="steps"><ANNOTATION>
<ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts4">
<ANNOTATION_VALUE>suture</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<TIER LINGUISTIC_TYPE_REF="part" PARENT_REF="steps" TIER_ID="parts">{part}</TIER>
{"".join(f'<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="{n}" TIME_ALIGNABLE="true" GRAPHIC_REFERENCES="false"{c}/>' for n, c in TYPES)}
<CONSTRAINT DESCRIPTION="no gaps" STEREOTYPE="Time_Subdivision"/>
</ANNOTATION_DOCUMENT>"""
path = f"{sys.argv[1]}/operation.eaf"
with open(path, "w", encoding="utf-8") as file:
    file.write(document)

parts = list(elan.read_eaf(path)["parts"])
found = [(one.value, one.from_ts.sec, one.to_ts.sec, one.duration) for one in parts]
for row in found:
    print(*row)
assert [row[1:3] for row in found] == [(10.0, None), (None, None), (None, 16.0)], f"changed: {found}"
assert [row[3] for row in found] == [-10.0, 0, 16.0], f"changed: {found}"
print(f"speach {version('speach')}: a boundary that nobody set counts as 0 s, so a part lasts -10 s")
PY
