"""What pydicom makes of real CR and DX files, for the tests of `data`. Writes dicom.json beside itself.

`python make_dicom_oracles.py FOLDER`; needs pydicom, numpy, pylibjpeg with its -libjpeg, -openjpeg and -rle plugins.
Modality LUT or rescale, then VOI LUT (preferred) or window, as pydicom applies them, then 8 bits: of a LUT or window 0 to its
full output range, else the real range of the film; MONOCHROME1 inverted. 256 levels a film, spread evenly, and the mean.
"""
import json
import pathlib
import sys

import numpy as np
import pydicom
from pydicom.pixels import apply_modality_lut, apply_voi_lut

films = {}
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.dcm")):
    film = pydicom.dcmread(path)
    try:
        stored = film.pixel_array
    except (AttributeError, RuntimeError):
        continue
    values = apply_modality_lut(stored, film)
    shown = apply_voi_lut(values, film).astype(np.float64)
    if "VOILUTSequence" in film:
        low, high = 0, 2 ** film.VOILUTSequence[0].LUTDescriptor[2] - 1
    elif film.get("WindowCenter") is not None:
        low, high = 0, 2 ** film.BitsStored - 1
        slope, intercept = float(film.get("RescaleSlope", 1)), float(film.get("RescaleIntercept", 0))
        low, high = low * slope + intercept, high * slope + intercept
    else:
        low, high = shown.min(), shown.max()
    level = np.round(np.clip((shown - low) / (high - low), 0, 1) * 255)
    if film.PhotometricInterpretation == "MONOCHROME1":
        level = 255 - level
    flat = level.ravel()
    at = [i * flat.size // 256 for i in range(256)]
    films[path.name] = {"mean": float(flat.mean()), "levels": [int(flat[i]) for i in at]}
out = {"pydicom": pydicom.__version__, "films": films}
pathlib.Path(__file__).with_name("dicom.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(len(films))
