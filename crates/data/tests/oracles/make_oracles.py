"""Values that Pillow and torchvision's formula give, for the tests of `data`. Writes oracles.json beside itself.

Needs Pillow and numpy. Pillow's BILINEAR resize is antialiased when it shrinks (a triangle filter as wide as the shrink).
"""
import json
import pathlib

import numpy as np
from PIL import Image


def ramp(width, height):
    y, x = np.mgrid[0:height, 0:width]
    return ((x * 7 + y * 13 + (x * y) % 31) % 256).astype(np.uint8)


resizes = []
for width, height, to in [(64, 64, 16), (90, 40, 24), (17, 23, 32), (300, 200, 20)]:
    small = Image.fromarray(ramp(width, height)).resize((to, to), Image.Resampling.BILINEAR)
    resizes.append({"width": width, "height": height, "to": to, "pixels": np.asarray(small).ravel().tolist()})

out = {"pillow": Image.__version__, "resizes": resizes}
path = pathlib.Path(__file__).with_name("oracles.json")
path.write_text(json.dumps(out) + "\n")
