"""Weights after five steps of PyTorch's Adam and AdamW, for the test of `train`'s own. Writes oracles.json. Needs torch and numpy.

Tensor k (in the order of the seed network's sorted names at 16 px) begins as 0.1 * sin(0.37 * i + k); its gradient at step t is
cos(0.23 * i + k) * t. Recorded: the sum and the first three values of each tensor, in float64.
"""
import json
import pathlib

import numpy as np
import torch

SHAPES = {
    "conv1.bias": [64], "conv1.weight": [64, 1, 3, 3], "conv2.bias": [32], "conv2.weight": [32, 64, 3, 3],
    "fc1.bias": [64], "fc1.weight": [64, 512], "fc2.bias": [1], "fc2.weight": [1, 64],
}


def run(make):
    weights = {}
    for k, name in enumerate(sorted(SHAPES)):
        n = int(np.prod(SHAPES[name]))
        weights[name] = torch.from_numpy((0.1 * np.sin(0.37 * np.arange(n) + k)).astype(np.float32)).reshape(SHAPES[name]).requires_grad_()
    optimizer = make(weights)
    for t in range(1, 6):
        for k, name in enumerate(sorted(SHAPES)):
            w = weights[name]
            w.grad = torch.from_numpy((np.cos(0.23 * np.arange(w.numel()) + k) * t).astype(np.float32)).reshape(w.shape)
        optimizer.step()
    return {n: [w.double().sum().item(), *w.flatten()[:3].double().tolist()] for n, w in weights.items()}


def adamw(weights):
    decay = [w for w in weights.values() if w.dim() > 1]
    spare = [w for w in weights.values() if w.dim() <= 1]
    return torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": spare, "weight_decay": 0.0}], lr=0.01)


out = {
    "torch": torch.__version__,
    "adam": run(lambda w: torch.optim.Adam(w.values(), lr=0.01, weight_decay=0.1)),
    "adamw": run(adamw),
}
pathlib.Path(__file__).with_name("oracles.json").write_text(json.dumps(out, indent=1) + "\n")
