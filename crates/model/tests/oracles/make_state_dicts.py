"""What PyTorch users save, good and bad, for the import tests of `model`. Writes the folder state_dicts beside itself. Needs torch, numpy and safetensors."""
import json
import os
import pathlib
import pickle

import torch
from networks import Residual, fill, inputs
from safetensors.torch import save_file

out = pathlib.Path(__file__).with_name("state_dicts")
out.mkdir(exist_ok=True)


class Foreign:
    """Pickled as a call of the shell: what must never be run."""

    def __reduce__(self):
        return os.system, ("touch pickle_was_run",)


with torch.no_grad():
    net = fill(Residual([4, 8], [1, 1])).eval()
    state = net.state_dict()
    plain = dict(state)
    # Good: the state_dict as it is (an OrderedDict with _metadata), parameters, views, 16 bits, DataParallel's names.
    torch.save(state, out / "state.pt")
    save_file(plain, out / "state.safetensors")
    torch.save({k: torch.nn.Parameter(v) if v.is_floating_point() else v for k, v in plain.items()}, out / "parameters.pt")
    whole = torch.cat([v.reshape(-1) for k, v in sorted(plain.items()) if v.is_floating_point()])
    parts, at = {}, 0
    for k, v in sorted(plain.items()):
        if v.is_floating_point():
            parts[k] = whole[at : at + v.numel()].reshape(v.shape)
            at += v.numel()
    parts["fc.weight"] = plain["fc.weight"].reshape(-1, 1).repeat(1, 2)[:, 0].reshape(1, -1)
    torch.save(parts, out / "views.pt")
    torch.save({"module." + k: v for k, v in plain.items()}, out / "parallel.pt")
    torch.save({k: v.half() if v.dim() > 1 else v for k, v in plain.items()}, out / "half.pt")
    torch.save(state, out / "protocol4.pt", pickle_protocol=4)
    # As before PyTorch 1.6.
    torch.save(state, out / "legacy.pt", _use_new_zipfile_serialization=False)
    # Bad.
    torch.save({k: v.double() for k, v in plain.items() if v.is_floating_point()}, out / "double.pt")
    torch.save({"state_dict": state, "epoch": 3}, out / "checkpoint.pt")
    torch.save(net, out / "module.pt")
    torch.save({"fc.bias": plain["fc.bias"], "x": Foreign()}, out / "foreign.pt")
    torch.save([plain["fc.bias"]], out / "list.pt")
    with open(out / "bare.pt", "wb") as bare:
        pickle.dump({"fc.bias": [0.0]}, bare, protocol=2)
    logits = net(inputs(3, 33)).tolist()
(out / "logits.json").write_text(json.dumps({"torch": torch.__version__, "residual_33": logits}) + "\n")
