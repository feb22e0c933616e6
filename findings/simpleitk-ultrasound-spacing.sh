#!/usr/bin/env bash
# SimpleITK 2.5.7 reading a clip of a laparoscopic ultrasound probe: five frames, 40 ms apart (FrameTime), one region of 0.02
# x 0.03 cm a pixel (Sequence of Ultrasound Regions), which is where DICOM keeps the scale of ultrasound.
# Expected: a spacing of 0.2 x 0.3 mm and 40 ms, or an image that does not claim a scale.
# Seen: a spacing of 1 x 1 x 1, that of millimetres in every other image that SimpleITK reads: a lesion of 10 mm measures
#       50, a round one is drawn as an oval, and the frames of a film lie one on another like slices of a body.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/v"
"$work/v/bin/pip" install -q --disable-pip-version-check simpleitk==2.5.7 pydicom==3.0.2 numpy==2.2.6
cd "$work"
"$work/v/bin/python" - 2>"$work/errors" <<'PY' || { cat "$work/errors"; exit 1; }
import numpy as np
import SimpleITK
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

ULTRASOUND, TISSUE, IMAGE, CENTIMETRES = "1.2.840.10008.5.1.4.1.1.3.1", 1, 1, 3
region = Dataset()
region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = IMAGE, TISSUE, 0
region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 63, 47
region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = CENTIMETRES
region.PhysicalDeltaX, region.PhysicalDeltaY = 0.02, 0.03
clip = Dataset()
clip.file_meta = FileMetaDataset()
clip.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
clip.SOPClassUID = clip.file_meta.MediaStorageSOPClassUID = ULTRASOUND
clip.SOPInstanceUID = clip.file_meta.MediaStorageSOPInstanceUID = "2.25.7"
clip.Modality, clip.PhotometricInterpretation, clip.SamplesPerPixel, clip.PixelRepresentation = "US", "MONOCHROME2", 1, 0
clip.Rows, clip.Columns, clip.BitsAllocated, clip.BitsStored, clip.HighBit, clip.NumberOfFrames = 48, 64, 8, 8, 7, 5
clip.FrameTime, clip.FrameIncrementPointer, clip.SequenceOfUltrasoundRegions = "40", 0x00181063, [region]
clip.PixelData = np.arange(5 * 48 * 64, dtype=np.uint16).astype(np.uint8).tobytes()
clip.save_as("clip.dcm", enforce_file_format=True)

stored, seen = dcmread("clip.dcm"), SimpleITK.ReadImage("clip.dcm")
assert np.array_equal(SimpleITK.GetArrayFromImage(seen), stored.pixel_array)
told = stored.SequenceOfUltrasoundRegions[0]
print(f"in the file: {10 * told.PhysicalDeltaX} x {10 * told.PhysicalDeltaY} mm, {stored.FrameTime} ms; seen: {seen.GetSpacing()}")
assert seen.GetSize() == (64, 48, 5) and seen.GetSpacing() == (1.0, 1.0, 1.0), "changed"
PY
