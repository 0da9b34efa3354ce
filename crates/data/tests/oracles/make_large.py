"""Large films in few bytes, of every decoder: what they hold in memory is measured by tests/memory.rs. Writes large/ beside itself.

Needs Pillow, numpy, pydicom, and dcmtk for JPEG and JPEG-LS in DICOM.
"""
import io
import pathlib
import subprocess

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

out = pathlib.Path(__file__).parent / "large"
out.mkdir(exist_ok=True)
W, H = 1203, 901
gray = np.full((H, W), 40, np.uint8)
gray[300:600, 400:800] = 200
film = Image.fromarray(gray)
color = Image.merge("RGB", [film, film.transpose(Image.Transpose.ROTATE_180), film])
deep = Image.fromarray(gray.astype(np.uint16) * 200)
film.save(out / "gray.jpg", quality=30)
film.save(out / "gray_progressive.jpg", quality=30, progressive=True)
color.save(out / "color_progressive.jpg", quality=30, progressive=True)
color.convert("CMYK").save(out / "cmyk.jpg", quality=10)
film.save(out / "gray.png", optimize=True)
deep.save(out / "deep.png", optimize=True)
color.convert("RGBA").save(out / "alpha.png", optimize=True)
color.quantize(4).save(out / "palette.png", optimize=True)
film.save(out / "gray.gif")
film.point(lambda v: 255 * (v > 100), "1").save(out / "fax.tif", compression="group4")
deep.save(out / "deep.tif", compression="tiff_adobe_deflate")
color.convert("RGBA").save(out / "alpha.tif", compression="tiff_adobe_deflate")
color.save(out / "lossy.webp", quality=5)
color.convert("RGBA").save(out / "lossless.webp", lossless=True)


def data_set(pixels, syntax=ExplicitVRLittleEndian):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "1.2.3"
    ds = Dataset()
    ds.file_meta = meta
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3"
    ds.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    ds.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.Rows, ds.Columns = H, W
    ds.BitsAllocated = ds.BitsStored = pixels.dtype.itemsize * 8
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, 0
    data = pixels.tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    return ds


def jpeg_2000(picture, pixels):
    body = io.BytesIO()
    picture.save(body, "jpeg2000", no_jp2=True, irreversible=False)
    ds = data_set(pixels, JPEG2000Lossless)
    ds.PixelData = encapsulate([body.getvalue()])
    return ds


wide = np.asarray(deep)
rle = data_set(wide)
rle.compress(RLELossless, generate_instance_uid=False)
files = {
    "deflated": data_set(wide, DeflatedExplicitVRLittleEndian),
    "rle": rle,
    "jpeg2000": jpeg_2000(film, gray),
    "jpeg2000_deep": jpeg_2000(deep, wide),
    "jpeg2000_color": jpeg_2000(color, np.asarray(color)),
}
for name, ds in files.items():
    ds.save_as(out / f"{name}.dcm", enforce_file_format=True)
data_set(gray).save_as(out / "gray.tmp", enforce_file_format=True)
data_set(wide).save_as(out / "wide.tmp", enforce_file_format=True)
for name, source, command in [
    ("jpeg", "gray", ["dcmcjpeg", "+eb"]),
    ("jpeg_lossless", "wide", ["dcmcjpeg", "+e1"]),
    ("jpeg_ls", "wide", ["dcmcjpls"]),
]:
    subprocess.run([*command, out / f"{source}.tmp", out / f"{name}.dcm"], check=True)
for source in ["gray", "wide"]:
    (out / f"{source}.tmp").unlink()
