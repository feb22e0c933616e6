#!/usr/bin/env bash
# deid 0.4.13 blacking the banner of a colour ultrasound clip, three frames of 64 x 48, before it is shared: once with the
# colours of a pixel side by side (Planar Configuration 0) and once plane by plane (1), as some ultrasound devices store.
# Expected: both files show the same frames as before, with ten black rows where the banner was.
# Seen: the first does. In the second the pixels are written side by side while the header still says plane by plane:
#       three small pictures in each frame, brown tissue (120, 60, 50) is (50, 50, 50), a doppler patch is elsewhere. The
#       cleaned pixels in memory are right, the file that is kept is not, and nothing is raised.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check deid==0.4.13 pydicom==3.0.2 numpy==2.2.6
cd "$work"
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
from pathlib import Path

import numpy as np
from deid.dicom import DicomCleaner
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

ULTRASOUND = "1.2.840.10008.5.1.4.1.1.3.1"
Path("recipe").write_text("FORMAT dicom\n\n%filter graylist\n\nLABEL banner\ncontains Modality US\n  coordinates 0,0,64,10\n")
clip = np.full((3, 48, 64, 3), (120, 60, 50), np.uint8)
clip[:, :10] = 255
clip[:, 20:30, 20:30] = (10, 40, 200)
wanted = clip.copy()
wanted[:, :10] = 0


def cleaned(planar: int) -> tuple[np.ndarray, np.ndarray]:
    """The clean pixels in memory and those of the file that is saved from them."""
    stored = Dataset()
    stored.file_meta = FileMetaDataset()
    stored.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stored.SOPClassUID = stored.file_meta.MediaStorageSOPClassUID = ULTRASOUND
    stored.SOPInstanceUID = stored.file_meta.MediaStorageSOPInstanceUID = "2.25.7"
    stored.Modality, stored.PhotometricInterpretation, stored.PlanarConfiguration = "US", "RGB", planar
    stored.Rows, stored.Columns, stored.SamplesPerPixel, stored.PixelRepresentation = 48, 64, 3, 0
    stored.BitsAllocated, stored.BitsStored, stored.HighBit, stored.NumberOfFrames = 8, 8, 7, 3
    stored.PixelData = (clip.transpose(0, 3, 1, 2) if planar else clip).tobytes()
    stored.save_as(f"{planar}.dcm", enforce_file_format=True)
    assert np.array_equal(dcmread(f"{planar}.dcm").pixel_array, clip)
    cleaner = DicomCleaner(deid="recipe", output_folder="out")
    assert cleaner.detect(f"{planar}.dcm")["flagged"]
    cleaner.clean()
    return cleaner.cleaned, dcmread(cleaner.save_dicom()).pixel_array


seen = {planar: cleaned(planar) for planar in (0, 1)}
for planar, (memory, file) in seen.items():
    right = f"memory {np.array_equal(memory, wanted)}, file {np.array_equal(file, wanted)}"
    print(f"planar configuration {planar}: right in {right}; tissue in the file {file[0, 40, 40].tolist()}")
assert all(np.array_equal(memory, wanted) for memory, _ in seen.values()) and np.array_equal(seen[0][1], wanted)
assert not np.array_equal(seen[1][1], wanted) and seen[1][1][0, 40, 40].tolist() == [50, 50, 50], "changed"
PY
