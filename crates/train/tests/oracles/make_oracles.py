"""What PyTorch computes, for the tests of `train`'s own. Writes oracles.json. Needs torch, torchvision and numpy.

Optimisers: weights after five steps. Tensor k (in the order of the seed network's sorted names at 16 px) begins as 0.1 * sin(0.37 * i + k); its gradient at step t is
cos(0.23 * i + k) * t. Recorded: the sum and the first three values of each tensor, in float64.
Losses: of logits -4, -3.5 ... 4 with targets 0, 1, 0, 1 ... or 0.25 * (i mod 5), one by one.
Schedules: the learning rate of each of 40 steps, 10 epochs of 4, highest 1.
"""
import json
import pathlib

import numpy as np
import torch
from torchvision.ops import sigmoid_focal_loss

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


def clipped(weights):
    optimizer = torch.optim.AdamW([{"params": [w for w in weights.values() if w.dim() > 1], "weight_decay": 0.1},
                                   {"params": [w for w in weights.values() if w.dim() <= 1], "weight_decay": 0.0}], lr=0.01)
    step = optimizer.step

    def clip_and_step():
        torch.nn.utils.clip_grad_norm_(weights.values(), 10.0)
        step()

    optimizer.step = clip_and_step
    return optimizer


def sgd(nesterov):
    return lambda w: torch.optim.SGD(w.values(), lr=0.01, momentum=0.9, nesterov=nesterov, weight_decay=0.1)


def losses():
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    x = torch.arange(-4, 4.5, 0.5, dtype=torch.float64)
    hard = torch.tensor([i % 2 for i in range(len(x))], dtype=torch.float64)
    soft = torch.tensor([0.25 * (i % 5) for i in range(len(x))], dtype=torch.float64)
    def smooth(y):
        return y * 0.8 + 0.1
    def focal(y, gamma, weight):
        # torchvision's sigmoid_focal_loss for hard targets, and linear in the target in between.
        one = sigmoid_focal_loss(x, torch.ones_like(x), alpha=-1, gamma=gamma)
        zero = sigmoid_focal_loss(x, torch.zeros_like(x), alpha=-1, gamma=gamma)
        return y * weight * one + (1 - y) * zero
    return {
        "bce_hard": bce(x, hard, reduction="none").tolist(),
        "bce_soft_weight_3": bce(x, soft, pos_weight=torch.tensor(3.0, dtype=torch.float64), reduction="none").tolist(),
        "bce_smoothing_0.2": bce(x, smooth(hard), reduction="none").tolist(),
        "focal_2_hard": focal(hard, 2.0, 1.0).tolist(),
        "focal_1.5_soft_weight_3": focal(soft, 1.5, 3.0).tolist(),
    }


def parts():
    """The loss of three films' logits, whole logits (times 0.5) and 4x4 maps (times 2, a sixteenth a cell, fractured cells weigh 3; -1: not known)."""
    bce = torch.nn.functional.binary_cross_entropy_with_logits
    n = torch.arange(48, dtype=torch.float64)
    y = torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64)
    logits, whole = torch.tensor([-1.5, 0.25, 2.0], dtype=torch.float64), torch.tensor([0.5, -0.75, 1.0], dtype=torch.float64)
    cells, truth = 2 * torch.sin(0.7 * n), n % 5 - 1
    truth = torch.where(truth > 1, torch.zeros_like(n), truth)
    known = truth >= 0
    where = bce(cells[known], truth[known], pos_weight=torch.tensor(3.0, dtype=torch.float64), reduction="sum") / 16
    return (bce(logits, y, reduction="sum") + 0.5 * bce(whole, y, reduction="sum") + 2 * where).item()


def rates(make):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    schedule = make(optimizer)
    seen = []
    for _ in range(40):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


lr = torch.optim.lr_scheduler
out = {
    "torch": torch.__version__,
    "sgd": run(sgd(False)),
    "nesterov": run(sgd(True)),
    "adam": run(lambda w: torch.optim.Adam(w.values(), lr=0.01, weight_decay=0.1)),
    "adamw": run(adamw),
    "adamw_clip_10": run(clipped),
    "losses": losses(),
    "loss_of_parts": parts(),
    "schedules": {
        # Ours gives a step the rate of its end, PyTorch's that of its beginning: the test shifts by one step.
        "cosine": rates(lambda o: lr.CosineAnnealingLR(o, T_max=40, eta_min=0.1)),
        "step": rates(lambda o: lr.StepLR(o, step_size=12, gamma=0.5)),
        "one_cycle": rates(lambda o: lr.OneCycleLR(o, max_lr=1.0, total_steps=41, pct_start=13 / 41, cycle_momentum=False,
                                                   div_factor=25.0, final_div_factor=0.04 / 0.1)),
    },
}
pathlib.Path(__file__).with_name("oracles.json").write_text(json.dumps(out, indent=1) + "\n")
