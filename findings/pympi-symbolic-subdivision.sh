#!/usr/bin/env bash
# pympi-ling 1.71 (ELAN files, as used for phases and gestures of operations): three parts of one interval on a tier of the
# type "symbolic subdivision", which gives an order and no times.
# Expected: parts without times are told as such, or share the interval of their parent between them.
# Seen: each part is given the whole interval of its parent: three gestures that all last from 0 to 6 seconds.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check pympi-ling==1.71
cd "$work"
"$work/v/bin/python" - <<'PY'
from pathlib import Path

import pympi

parts = "".join(
    f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a{n}" ANNOTATION_REF="a1"'
    + (f' PREVIOUS_ANNOTATION="a{n - 1}"' if n > 2 else "")
    + f"><ANNOTATION_VALUE>{name}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
    for n, name in enumerate(("reach", "grasp", "pull"), start=2)
)
Path("a.eaf").write_text(
    '<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" '
    'VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="EAFv3.0.xsd"><HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/><TIME_ORDER>'
    '<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="6000"/></TIME_ORDER>'
    '<TIER LINGUISTIC_TYPE_REF="plain" TIER_ID="step"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" '
    'TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>suturing</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>'
    '</ANNOTATION></TIER><TIER LINGUISTIC_TYPE_REF="parts" PARENT_REF="step" TIER_ID="gesture">' + parts + "</TIER>"
    '<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="plain" TIME_ALIGNABLE="true"/>'
    '<LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Subdivision" GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="parts" '
    'TIME_ALIGNABLE="false"/><CONSTRAINT DESCRIPTION="Symbolic subdivision of a parent annotation" '
    'STEREOTYPE="Symbolic_Subdivision"/></ANNOTATION_DOCUMENT>'
)
found = [tuple(part[:3]) for part in pympi.Elan.Eaf("a.eaf").get_annotation_data_for_tier("gesture")]
print("gestures:", found)
assert found == [(0, 6000, "reach"), (0, 6000, "grasp"), (0, 6000, "pull")], "changed"
PY
