"""PyTorch's networks, saved as a user saves them, through `osteon import` and `osteon export`, and back in PyTorch: the same logits to 1e-5.

Arguments: the program, the folder of networks.py, a folder to write to. Prints the largest differences as one JSON object.
"""
import json
import pathlib
import subprocess
import sys

import torch
from safetensors.torch import save_file

osteon, oracles, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
sys.path.insert(0, oracles)
from networks import FractureMap, SeedCnn  # noqa: E402

torch.manual_seed(3)
torch.set_num_threads(1)
apart = {}
for name, side, net in (("seed_cnn", 150, SeedCnn(150)), ("fracture_map", 96, FractureMap())):
    with torch.no_grad():
        # Statistics that are not those of a fresh network.
        net.train()(torch.randn(8, 1, side, side))
    net.eval()
    state = net.state_dict()
    torch.save(state, folder / "state.pt")
    save_file(state, folder / "state.safetensors")
    x = torch.randn(5, 1, side, side)
    with torch.no_grad():
        theirs = net(x)
        theirs = theirs[0] if isinstance(theirs, tuple) else theirs
        for kind in ("pt", "safetensors"):
            model, script = folder / f"{kind}.model", folder / f"{kind}.script"
            subprocess.run([osteon, "import", folder / f"state.{kind}", model, "--architecture", name, "--size", str(side)], check=True, stdout=subprocess.DEVNULL)
            subprocess.run([osteon, "export", "--model", model, "--format", "torchscript", script], check=True, stdout=subprocess.DEVNULL)
            module = torch.jit.load(script)
            assert all(torch.equal(module.state_dict()[k], v) for k, v in state.items() if v.is_floating_point())
            apart[f"{name} {kind}"] = (module.logit(x) - theirs).abs().max().item()
            assert theirs.std() > 1e-4, "the films must differ"
print(json.dumps(apart))
