#!/usr/bin/env bash
# dicom2jpg 0.1.10 turning stills of an endoscope, stored in colour as "VL Endoscopic Image", into PNG. Two stills of one
# tissue, (120, 60, 50): one where nothing else is in view, and one with a bright highlight, (250, 250, 250).
# Expected: 8-bit RGB comes out as it is stored; tissue has the same colour on both.
# Seen: each still is stretched so that its lowest value of all channels is 0 and its highest 255, as one does for X-rays
#       of 12 bits: the same tissue is (255, 36, 0) on one and (89, 12, 0) on the other. Blood, bile and white balance are
#       lost, and with them what a model would learn from colour. Nothing is raised.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check dicom2jpg==0.1.10 pydicom==3.0.2 opencv-python-headless==4.12.0.88
cd "$work"
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import dicom2jpg
import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

TISSUE, ENDOSCOPIC = (120, 60, 50), "1.2.840.10008.5.1.4.1.1.77.1.1"


def still(name: str, highlight: bool) -> np.ndarray:
    """The still as dicom2jpg gives it, RGB; it is stored as 48 x 64 pixels of tissue with one dark corner."""
    pixels = np.full((48, 64, 3), TISSUE, np.uint8)
    pixels[:4, :4] = (60, 52, 50)
    if highlight:
        pixels[20:24, 30:34] = 250
    stored = Dataset()
    stored.file_meta = FileMetaDataset()
    stored.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stored.SOPClassUID = stored.file_meta.MediaStorageSOPClassUID = ENDOSCOPIC
    stored.SOPInstanceUID = stored.file_meta.MediaStorageSOPInstanceUID = "2.25.7"
    stored.Modality, stored.PhotometricInterpretation, stored.PlanarConfiguration = "ES", "RGB", 0
    stored.Rows, stored.Columns, stored.SamplesPerPixel, stored.PixelRepresentation = 48, 64, 3, 0
    stored.BitsAllocated, stored.BitsStored, stored.HighBit = 8, 8, 7
    stored.PixelData = pixels.tobytes()
    stored.save_as(name, enforce_file_format=True)
    assert np.array_equal(dcmread(name).pixel_array, pixels)
    return dicom2jpg.dicom2img(name)


seen = {name: still(f"{name}.dcm", name == "highlight") for name in ("plain", "highlight")}
colours = {name: tuple(int(v) for v in picture[40, 40]) for name, picture in seen.items()}
print(f"stored: {TISSUE}, seen: {colours}")
assert colours == {"plain": (255, 36, 0), "highlight": (89, 12, 0)}, "changed"
PY
