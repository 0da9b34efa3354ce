#!/usr/bin/env python3
"""The network that ships alone, one film on one core, in each way that PyTorch has of computing it: where a server's time can be won.

Ways: the module as written; its norms folded into the convolutions, channels last; traced, frozen and optimised for inference; the same folded
module in bf16, as written and frozen; and in int8 (static, per channel, oneDNN), with ranges seen on noise: its time is right, its scores are not
looked at. The local contrast before the network is the same in all and timed apart. Beside them the same processor's large matrix products, which
nothing that multiplies each weight with each pixel outruns. Prints a line of JSON: {"milliseconds": medians, "macs": multiplications of a film,
"products": multiplications a second by number format}.
"""
import argparse, copy, json, statistics, time, warnings
import torch
from torch.nn import functional as F
from serve_torch import load, local_contrast

warnings.filterwarnings("ignore")


class Body(torch.nn.Module):
    """What follows the local contrast, norms folded."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        n = self.net
        x = F.relu(n.stem(F.pixel_unshuffle(x, 2).to(memory_format=torch.channels_last)))
        levels = []
        for stage in n.stages:
            for block in stage:
                y = block.conv2(F.relu(block.conv1(x)))
                if not block.plain:
                    x = F.avg_pool2d(x, 2) if block.stride == 2 else x
                    x = block.shortcut(x)
                x = F.relu(y + x)
            levels.append(x)
        total = n.laterals[2](levels[3])
        for k in (1, 0):
            total = n.laterals[k](levels[k + 1]) + F.interpolate(total, scale_factor=2.0, mode="nearest")
        return F.relu(n.smooth(total)), x


def folded(net):
    net = copy.deepcopy(net)
    pairs = {"stem": "stem_bn", "conv1": "bn1", "conv2": "bn2", "shortcut": "shortcut_bn", "smooth": "smooth_bn"}
    for module in list(net.modules()):
        for conv, norm in pairs.items():
            if hasattr(module, conv) and hasattr(module, norm):
                fused = torch.nn.utils.fusion.fuse_conv_bn_eval(getattr(module, conv), getattr(module, norm))
                setattr(module, conv, fused)
                setattr(module, norm, torch.nn.Identity())
    return net.to(memory_format=torch.channels_last)


def frozen(module, x):
    return torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(module, x)))


def int8(module, x):
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx
    torch.backends.quantized.engine = "onednn"
    seen = prepare_fx(copy.deepcopy(module), get_default_qconfig_mapping("onednn"), (x,))
    seen(x)
    return torch.jit.freeze(torch.jit.trace(convert_fx(seen), x))


def multiplications(net, film):
    """Of the convolutions: all but a thousandth of the work."""
    seen = []
    def count(conv, _, out):
        seen.append(conv.weight.numel() * out.shape[2] * out.shape[3])
    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, torch.nn.Conv2d)]
    net(film)
    for hook in hooks:
        hook.remove()
    return sum(seen)


def products(side=1024):
    """Multiplications a second of a matrix product: the best of several, for it is a bound."""
    a, b = torch.randn(side, side), torch.randn(side, side)
    small = (a * 10).to(torch.int8), (b * 10).to(torch.int8)
    kinds = {
        "fp32": lambda: a @ b,
        "bf16": lambda a=a.bfloat16(), b=b.bfloat16(): a @ b,
        "int8": lambda: torch._int_mm(*small),
    }
    best = {}
    for name, product in kinds.items():
        product()
        for _ in range(10):
            start = time.perf_counter()
            product()
            best[name] = max(best.get(name, 0.0), side ** 3 / (time.perf_counter() - start))
    return best


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", required=True)
    p.add_argument("--rounds", type=int, default=15)
    a = p.parse_args()
    torch.set_num_threads(1)
    net, info = load(a.model, "eager")
    side = info["preprocess"]["size"]
    torch.manual_seed(1)
    film = torch.randn(1, 1, side, side)
    times = {}
    with torch.no_grad():
        two = local_contrast(film)
        plain = Body(folded(net)).eval()
        half = Body(folded(net).bfloat16()).eval()
        ways = {
            "contrast": (local_contrast, film),
            "fp32, as written": (net, film),
            "fp32, folded, channels last": (plain, two),
            "fp32, frozen": (frozen(plain, two), two),
            "bf16, folded, channels last": (half, two.bfloat16()),
            "bf16, frozen": (frozen(half, two.bfloat16()), two.bfloat16()),
            "int8": (int8(plain, two), two),
        }
        for _ in range(a.rounds):
            for name, (way, x) in ways.items():
                way(x)
                start = time.perf_counter()
                way(x)
                times.setdefault(name, []).append((time.perf_counter() - start) * 1e3)
    medians = {name: statistics.median(ms) for name, ms in times.items()}
    # All but the module as written begin behind the contrast.
    for name in medians:
        if name not in ("contrast", "fp32, as written"):
            medians[name] += medians["contrast"]
    with torch.no_grad():
        macs = multiplications(net, film)
        print(json.dumps({"milliseconds": medians, "macs": macs, "products": products()}))


if __name__ == "__main__":
    main()
