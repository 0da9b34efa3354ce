"""Seeds for the fuzz targets `image`, `dicom`, `manifest` and `multipart`, of a film that the program draws itself.

    cargo run -p cli -- data synth SET --images 40
    python3 fuzz/make_seeds.py SET [MODEL.safetensors …]     # Pillow, numpy, pydicom; dcmtk for JPEG and JPEG-LS in DICOM

Models become seeds of `model`, without what the header says of their training: docs/FUZZING.md names the networks that are small enough.
The seeds of `config` are the files in configs/ and what is written by hand in seeds/config.
"""
import io
import json
import pathlib
import shutil
import struct
import subprocess
import sys

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)

seeds = pathlib.Path(__file__).parent / "seeds"
films = sorted(pathlib.Path(sys.argv[1]).rglob("*.*g"))
film = Image.open(films[0]).convert("L").resize((40, 30))
gray = np.asarray(film)
rgb = np.stack([gray, gray[::-1], 255 - gray], axis=2)
color = Image.fromarray(rgb)
deep = gray.astype(np.uint16) * 16 + 7
# An EXIF block that turns the film.
exif = Image.Exif()
exif[0x0112] = 6


def image(name, picture, how=0, **options):
    """A file as Pillow writes it; the target reads from the last byte how it shall be decoded."""
    out = io.BytesIO()
    kind = name.rsplit(".", 1)[1].replace("jpg", "jpeg").replace("tif", "tiff")
    picture.save(out, kind, **options)
    (seeds / "image" / name).write_bytes(out.getvalue() + bytes([how]))
    return out.getvalue()


jpeg = image("gray.jpg", film, quality=80)
image("color.jpg", color, 2, quality=60, subsampling=2)
image("turned.jpg", color, quality=60, exif=exif)
image("progressive.jpg", color, 1, quality=60, progressive=True)
image("restarts.jpg", film, 1, quality=60, restart_marker_rows=1)
image("cmyk.jpg", color.convert("CMYK"), quality=60)
png = image("gray.png", film)
image("color.png", color, 1)
image("deep.png", Image.fromarray(deep))
image("alpha.png", color.convert("RGBA"), 2)
image("palette.png", color.quantize(16))
image("one_bit.png", film.convert("1"))
image("film.gif", film)
image("film.bmp", color)
image("palette.bmp", color.quantize(16))
for compression in ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "group4"]:
    picture = film.convert("1") if compression == "group4" else film
    image(f"{compression}.tif", picture, compression=compression)
image("deep.tif", Image.fromarray(deep))
image("lossy.webp", color, quality=50)
image("lossless.webp", color, lossless=True)


def data_set(pixels, syntax=ExplicitVRLittleEndian, photometric="MONOCHROME2", bits=None, **more):
    """A file as pydicom writes it."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    ds = Dataset()
    ds.file_meta = meta
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3"
    ds.PatientName, ds.StudyInstanceUID, ds.SeriesInstanceUID = "Synthetic", "1.2.4", "1.2.5"
    ds.SamplesPerPixel = 3 if pixels.ndim == 3 and photometric != "MONOCHROME2" else 1
    ds.PhotometricInterpretation = photometric
    ds.Rows, ds.Columns = 30, 40
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = bits or ds.BitsAllocated
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, 0
    if ds.SamplesPerPixel == 3:
        ds.PlanarConfiguration = 0
    for name, value in more.items():
        setattr(ds, name, value)
    if "PixelData" not in more:
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        ds.PixelData = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    return ds


def dicom(name, ds):
    path = seeds / "dicom" / f"{name}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path


def lut(first, bits, values):
    item = Dataset()
    item.LUTDescriptor = [len(values), first, bits]
    item.LUTData = [int(v) for v in values]
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "US"
    return Sequence([item])


plain = dicom("plain", data_set(deep, bits=12, WindowCenter="1000", WindowWidth="2000"))
dicom("implicit", data_set(deep, ImplicitVRLittleEndian, bits=12))
dicom("big_endian", data_set(deep, ExplicitVRBigEndian, bits=12))
dicom("deflated", data_set(deep, DeflatedExplicitVRLittleEndian, bits=12))
dicom("bytes", data_set(gray))
dicom("color", data_set(rgb, photometric="RGB"))
dicom("ybr", data_set(rgb, photometric="YBR_FULL"))
dicom("frames", data_set(np.stack([deep, deep]), bits=12, NumberOfFrames="2"))
dicom("inverted", data_set(deep, photometric="MONOCHROME1", bits=12, RescaleSlope="2", RescaleIntercept="-100"))
dicom("modality_lut", data_set(gray, ModalityLUTSequence=lut(0, 8, np.arange(256)[::-1])))
dicom("voi_lut", data_set(gray, VOILUTSequence=lut(0, 16, np.arange(256) * 256)))
rle = data_set(deep, bits=12)
rle.compress(RLELossless, generate_instance_uid=False)
dicom("rle", rle)
out = io.BytesIO()
film.save(out, "jpeg2000", no_jp2=True, irreversible=False)
dicom("jpeg2000", data_set(gray, JPEG2000Lossless, PixelData=encapsulate([out.getvalue()])))
gray8 = dicom("bytes", data_set(gray))
for name, source, command in [
    ("jpeg", gray8, ["dcmcjpeg", "+eb"]),
    ("jpeg12", plain, ["dcmcjpeg", "+ee"]),
    ("jpeg_lossless", plain, ["dcmcjpeg", "+e1"]),
    ("jpeg_ls", plain, ["dcmcjpls"]),
]:
    if shutil.which(command[0]):
        subprocess.run([*command, source, seeds / "dicom" / f"{name}.dcm"], check=True)

for name, text in {
    "plain": "path,label,split,group,boxes\na.png,fractured,train,p1,0.5 0.5 0.1 0.2;0.2 0.2 0.1 0.1\nb.png,0,test,p2,\n",
    "undivided": "file;class;patient;view\r\na.png;normal;7;AP\r\nc d.png;1;8;LAT\r\n",
    "tabs": "\ufeffimage\tlabel\tboxes_cx_cy_w_h\nsub/g.png\tnot fractured\t\n\"e,f.png\"\tpositive\t0.25 0.25 0.5 0.5\n",
    "quotes": 'label,path,"age, in years","a ""field"""\n1,"sub/é.png","7","x\ny"\n0,./a.png,,\n',
}.items():
    (seeds / "manifest" / f"{name}.csv").write_text(text, encoding="utf-8", newline="")


def form(parts, end=True):
    """A body as browsers send it, with the boundary that the target names."""
    body = b""
    for head, content in parts:
        body += b"--osteon\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + content + b"\r\n"
    return body + (b"--osteon--\r\n" if end else b"")


named = b'name="file"; filename="%s"\r\nContent-Type: %s'
for name, body in {
    "one": form([(named % (b"film.jpg", b"image/jpeg"), jpeg)]),
    "two": form([(named % (b"film.png", b"image/png"), png), (named % (b"a.txt", b"text/plain"), b"no film")]),
    "field": form([(b'name="note"', b"left"), (b'name="file"', b"GIF89a")]),
    "open": form([(named % (b"film.jpg", b"image/jpeg"), jpeg)], end=False),
    "none": form([]),
    "name": form([(b"name=\"file\"; filename*=UTF-8''%C3%A9.png", png)]),
}.items():
    # The first byte says how large the pieces are that the body comes in.
    (seeds / "multipart" / name).write_bytes(b"\x40" + body)

for path in map(pathlib.Path, sys.argv[2:]):
    whole = path.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + length])
    said = json.loads(header["__metadata__"]["osteon"])
    for name, value in said["training_data"].items():
        if isinstance(value, list):
            said["training_data"][name] = value[:1]
    said["metrics"] = {"val": None, "test": None}
    header["__metadata__"] = {"osteon": json.dumps(said)}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (seeds / "model" / path.name).write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + length :])
