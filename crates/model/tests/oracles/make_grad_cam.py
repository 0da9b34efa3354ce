"""HiResCAM by PyTorch's autograd, for the test of `model`. Writes grad_cam.json beside itself. Needs torch and numpy.

Networks, weights and inputs are those of make_oracles.py. Draelos & Carin 2020: the features times the gradient of the logit, cell by
cell, summed over the channels; what is above 0, relative to the film's hottest cell.
"""
import json
import pathlib

import torch
import torch.nn.functional as F

here = pathlib.Path(__file__)
# The networks and how they are filled; not what follows, which would write their logits anew.
exec(here.with_name("make_oracles.py").read_text().split("\ntorch.set_num_threads(1)\n")[0])


def hires_cam(net, x):
    """Hooks on the whole network, so that nothing is said of where it is cut: the features are what `last` returns last."""
    seen = []
    last = net.fc1 if isinstance(net, SeedCnn) else net.stages[-1][-1]
    if isinstance(net, SeedCnn):
        hook = last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    else:
        hook = last.register_forward_hook(lambda _, inputs, output: seen.append(output))
    logits = net(x)
    hook.remove()
    (gradient,) = torch.autograd.grad(logits.sum(), seen[0])
    features = seen[0].detach()
    if features.dim() == 2:
        side = x.shape[-1] // 4
        features, gradient = (t.reshape(len(x), 32, side, side) for t in (features, gradient))
    heat = F.relu((gradient * features).sum(1))
    heat = heat / heat.amax((1, 2), keepdim=True).clamp_min(1e-12)
    return [[[round(v, 7) for v in row] for row in film] for film in heat.tolist()]


torch.set_num_threads(1)
with torch.no_grad():
    nets = {
        "seed_cnn_24": (fill(SeedCnn(24)).eval(), inputs(3, 24)),
        "residual_33": (fill(Residual([8, 12, 16], [1, 2, 1])).eval(), inputs(3, 33)),
        "fine_33": (fill(Residual([8, 12], [1, 1], stem_stride=1)).eval(), inputs(3, 33)),
    }
out = {"torch": torch.__version__} | {name: hires_cam(net, x) for name, (net, x) in nets.items()}
here.with_name("grad_cam.json").write_text(json.dumps(out) + "\n")
