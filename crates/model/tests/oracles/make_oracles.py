"""Logits of equal networks in PyTorch, for the parity test of `model`. Writes oracles.json beside itself. Needs torch and numpy.

No weights travel: both sides fill them by the formula in networks.py.
"""
import json
import pathlib

import torch
import torch.nn as nn
from networks import EfficientNetLite, FractureMap, Residual, SeedCnn, fill, inputs


def size_of(net, side):
    """Parameters, and multiply-adds of convolutions and linear layers for one film."""
    total = 0

    def count(layer, _, output):
        nonlocal total
        total += output.numel() * layer.weight[0].numel()

    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            layer.register_forward_hook(count)
    net.eval()(torch.zeros(1, 1, side, side))
    return {"input": side, "parameters": sum(p.numel() for p in net.parameters()), "multiply_adds": total}


torch.set_num_threads(1)
with torch.no_grad():
    seed = fill(SeedCnn(24)).eval()
    residual = fill(Residual([8, 12, 16], [1, 2, 1])).eval()
    fine = fill(Residual([8, 12], [1, 1], stem_stride=1)).eval()
    small = dict(widths=(8, 8, 12, 16, 20), blocks=(1, 2, 1, 1), pyramid=8, top=3)
    fracture = fill(FractureMap(**small)).eval()
    eval_logits, eval_map, eval_whole = fracture(inputs(3, 64))
    lites = {}
    for variant in ("lite0", "lite1", "lite2"):
        lite = fill(EfficientNetLite(variant, pyramid=8, top=3)).eval()
        logits, lite_map, whole = lite(inputs(3, 64))
        lites[f"efficientnet_{variant}_64_eval"] = logits.tolist()
        lites[f"efficientnet_{variant}_64_eval_map"] = lite_map[1].flatten().tolist()
        lites[f"efficientnet_{variant}_64_eval_whole"] = whole.tolist()
        lites[f"efficientnet_{variant}_64_train"] = lite.train()(inputs(3, 64))[0].tolist()
    out = {
        "torch": torch.__version__,
        "seed_cnn_24": seed(inputs(3, 24)).tolist(),
        "residual_33_eval": residual(inputs(3, 33)).tolist(),
        "fine_33_eval": fine(inputs(3, 33)).tolist(),
        "residual_33_train": residual.train()(inputs(3, 33)).tolist(),
        "fracture_map_64_eval": eval_logits.tolist(),
        "fracture_map_64_eval_map": eval_map[1].flatten().tolist(),
        "fracture_map_64_eval_whole": eval_whole.tolist(),
        "fracture_map_64_train": fracture.train()(inputs(3, 64))[0].tolist(),
        **lites,
        # The zoo of docs/MODELS.md.
        "zoo": {
            "seed_cnn": size_of(SeedCnn(150), 150),
            "residual, small": size_of(Residual([16, 32, 64, 96], [1, 1, 1, 1]), 224),
            "residual, medium": size_of(Residual([32, 64, 128, 192], [1, 2, 2, 1]), 224),
            "residual, large": size_of(Residual([48, 96, 192, 256], [2, 2, 2, 2]), 224),
            "fracture_map": size_of(FractureMap(), 384),
            **{f"efficientnet_lite, {v}": size_of(EfficientNetLite(v), 384) for v in ("lite0", "lite1", "lite2")},
        },
    }
pathlib.Path(__file__).with_name("oracles.json").write_text(json.dumps(out, indent=1) + "\n")
