"""What the published backbones say of a gray image, for the test of `begin_from_backbone`. Writes backbones.json beside itself. Needs torch,
numpy and the weights: python make_backbones.py ../../../../data/backbones (made by `cargo xtask download backbones`).

Recorded: the first 64 of the 1280 features behind the last convolution, averaged over the places, of inputs(1, 96) in all three colours.
With the classifier the same module has class 698, palace, first for the middle of scikit-learn's china.jpg at 260 px (lite0 and lite2).
"""
import json
import pathlib
import sys

import torch
from networks import Lite, inputs

folder, found = pathlib.Path(sys.argv[1]), {"torch": torch.__version__}
with torch.no_grad():
    for variant in ("lite0", "lite1", "lite2"):
        body = Lite(variant).eval()
        body.load_state_dict(torch.load(folder / f"efficientnet_{variant}.pth", weights_only=True), strict=True)
        _, last = body.levels(inputs(1, 96).expand(1, 3, 96, 96))
        found[f"efficientnet_{variant}"] = last.mean((2, 3))[0, :64].tolist()
pathlib.Path(__file__).with_name("backbones.json").write_text(json.dumps(found, indent=1) + "\n")
