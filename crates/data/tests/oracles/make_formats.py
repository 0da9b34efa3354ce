"""Small files of every format that `data` reads, and what Pillow makes of them. Writes formats/ and formats.json beside itself.

Needs Pillow and numpy. The expected gray is Pillow's: EXIF orientation applied, alpha composed on black, convert("L").
16-bit samples are stretched over their real range, as `Decoder` says it does. formats/ycck.jpg is not made here: Pillow writes no
YCCK. It was made of the same picture by libjpeg-turbo's `tj3Compress8` from inverted CMYK samples (quality 95, 4:4:4).
"""
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

here = pathlib.Path(__file__).parent
out = here / "formats"
W, H = 37, 23
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([x * 6 + 8, y * 10 + 9, (x * 3 + y * 5) % 256], axis=2).astype(np.uint8)
gray = ((x * 5 + y * 3) % 256).astype(np.uint8)
alpha = np.where(x < 12, 255, np.where(x < 24, 128, 0)).astype(np.uint8)
color, film = Image.fromarray(rgb), Image.fromarray(gray)


def png(name, bits, kind, rows, extra=b""):
    """A PNG of depths that Pillow does not write."""
    def chunk(tag, body):
        return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))
    packed = b""
    for row in rows:
        line = "".join(format(int(v), f"0{bits}b") for v in row)
        line += "0" * (-len(line) % 8)
        packed += b"\0" + int(line, 2).to_bytes(len(line) // 8, "big")
    head = struct.pack(">IIBBBBB", W, H, bits, kind, 0, 0, 0)
    (out / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(packed)) + chunk(b"IEND", b""))


out.mkdir(exist_ok=True)
for bits in (1, 2, 4):
    png(f"gray{bits}.png", bits, 0, gray >> (8 - bits))
film.save(out / "gray8.png")
Image.fromarray((gray.astype(np.uint16) * 13 + 400)).save(out / "gray16.png")
color.save(out / "rgb.png")
Image.fromarray(np.dstack([rgb, alpha])).save(out / "rgba.png")
Image.fromarray(np.dstack([gray, alpha]), "LA").save(out / "la.png")
color.quantize(16).save(out / "palette4.png", bits=4)
color.quantize(200).save(out / "palette8.png")
color.quantize(16).save(out / "palette_transparent.png", transparency=3)
color.save(out / "baseline.jpg", quality=95, subsampling=2)
color.save(out / "progressive.jpg", quality=95, progressive=True)
film.save(out / "gray.jpg", quality=95)
color.convert("CMYK").save(out / "cmyk.jpg", quality=95)
color.save(out / "rgb.jpg", quality=95, keep_rgb=True)
for turn in range(1, 9):
    exif = Image.Exif()
    exif[0x112] = turn
    film.save(out / f"exif{turn}.jpg", quality=95, exif=exif)
exif_6 = Image.Exif()
exif_6[0x112] = 6
film.save(out / "exif6.png", exif=exif_6)
color.save(out / "exif6.webp", lossless=True, exif=exif_6)
film.save(out / "exif6.tif", exif=exif_6, compression="tiff_lzw")
color.save(out / "lossy.webp", quality=95)
Image.fromarray(np.dstack([rgb, alpha])).save(out / "rgba.webp", lossless=True)
color.save(out / "color.gif")
color.quantize(16).save(out / "interlaced.gif", interlace=1)
color.quantize(16).save(out / "transparent.gif", transparency=3)
film.save(out / "frames.gif", save_all=True, append_images=[ImageOps.invert(film)])
for mode in ("1", "L", "P", "RGB"):
    (color.quantize(16) if mode == "P" else color.convert(mode)).save(out / f"mode_{mode}.bmp")
for mode in ("1", "L", "RGB", "RGBA"):
    picture = {"RGBA": Image.fromarray(np.dstack([rgb, alpha]))}.get(mode) or color.convert(mode)
    picture.save(out / f"mode_{mode}.tif", compression="tiff_lzw")
Image.fromarray((gray.astype(np.uint16) * 13 + 400)).save(out / "gray16.tif")

expected = {}
for path in sorted(out.iterdir()):
    image = Image.open(path)
    # Pillow turns a TIFF as it loads it, and `exif_transpose` before that would turn it twice. (Pillow 13.0 garbles uncompressed
    # ones that it turns; hence the compression above.)
    image.load()
    image = ImageOps.exif_transpose(image)
    if image.mode in ("I;16", "I", "F", "I;16B"):
        deep = np.asarray(image).astype(np.float64)
        level = np.floor((deep - deep.min()) / (deep.max() - deep.min()) * 255 + 0.5)
    else:
        if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA"):
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image).convert("RGB")
        level = np.asarray(image.convert("L")).astype(np.float64)
    expected[path.name] = {"width": level.shape[1], "height": level.shape[0], "pixels": level.astype(int).ravel().tolist()}
(here / "formats.json").write_text(json.dumps({"pillow": Image.__version__, "files": expected}, separators=(",", ":")) + "\n")
