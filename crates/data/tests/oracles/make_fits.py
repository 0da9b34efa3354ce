"""How Pillow fits real films into 224×224, for the tests of `data`. Writes fits.json beside itself.

`python make_fits.py FOLDER` (a folder of published radiographs). Letterbox, stretch and crop by Pillow's antialiased
`resize(..., BILINEAR, box)` of the film as convert("L") gives it; 128 levels a film, spread evenly, and the mean.
"""
import json
import pathlib
import sys

import numpy as np
from PIL import Image, ImageOps

SIDE = 224


def fitted(film, fit):
    w, h = film.size
    if fit == "stretch":
        return film.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    scale = SIDE / (max(w, h) if fit == "letterbox" else min(w, h))
    target = [int(np.floor(side * scale + 0.5)) for side in (w, h)]
    if fit == "crop":
        keep = [side * SIDE / max(to, SIDE) for side, to in zip((w, h), target)]
        left, top = (w - keep[0]) / 2, (h - keep[1]) / 2
        return film.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(left, top, left + keep[0], top + keep[1]))
    small = film.resize(target, Image.Resampling.BILINEAR)
    square = Image.new("L", (SIDE, SIDE))
    square.paste(small, ((SIDE - target[0]) // 2, (SIDE - target[1]) // 2))
    return square


root = pathlib.Path(sys.argv[1])
films = []
for path in sorted(p for p in root.rglob("*") if p.is_file())[::4]:
    image = Image.open(path)
    if image.format != "JPEG" or image.mode not in ("L", "RGB"):
        continue
    film = ImageOps.exif_transpose(image).convert("L")
    for fit in ("letterbox", "stretch", "crop"):
        flat = np.asarray(fitted(film, fit)).astype(int).ravel()
        at = [i * flat.size // 128 + 57 * (i % 3) for i in range(128)]
        films.append({"file": str(path.relative_to(root)), "fit": fit, "mean": float(flat.mean()), "levels": [int(flat[i]) for i in at]})
out = {"pillow": Image.__version__, "films": films}
pathlib.Path(__file__).with_name("fits.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(len(films))
