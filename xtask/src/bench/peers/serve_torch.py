#!/usr/bin/env python3
"""The network that ships behind FastAPI, as one serves a PyTorch model: Pillow, numpy, one film a forward pass, uvicorn.

--model is Osteon's model file: the same weights, read by safetensors. --how eager is the module as it is written; frozen is the same traced,
frozen and optimised for inference, channels last. Both compute in fp32. --workers films are judged at once, each on --threads threads.
"""
import argparse, io, json, struct
import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.stride = stride
        self.plain = i == o and stride == 1
        if not self.plain:
            self.shortcut, self.shortcut_bn = nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        if not self.plain:
            x = F.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False) if self.stride == 2 else x
            x = self.shortcut_bn(self.shortcut(x))
        return F.relu(y + x, inplace=True)


def local_contrast(x):
    def smooth(x):
        x = F.avg_pool2d(x, 4)
        for _ in range(2):
            x = F.avg_pool2d(x, 5, 1, 2, count_include_pad=False)
        return x
    mean, square = smooth(x), smooth(x * x)
    deviation = (square - mean * mean).clamp_min(0).sqrt() + 0.06
    full = lambda t: F.interpolate(t, x.shape[2:], mode="bilinear", align_corners=False)
    return torch.cat([x, ((x - full(mean)) / full(deviation) * 0.5).clamp(-1.5, 1.5)], 1)


class FractureMap(nn.Module):
    def __init__(self, o):
        super().__init__()
        w, p = o["widths"], o["pyramid"]
        self.stem, self.stem_bn = nn.Conv2d(8, w[0], 3, 1, 1, bias=False), nn.BatchNorm2d(w[0])
        self.stages, i = nn.ModuleList(), w[0]
        for width, count in zip(w[1:], o["blocks"]):
            self.stages.append(nn.ModuleList(Block(i if n == 0 else width, width, 2 if n == 0 else 1) for n in range(count)))
            i = width
        self.laterals = nn.ModuleList(nn.Conv2d(w[n], p, 1) for n in (2, 3, 4))
        self.smooth, self.smooth_bn = nn.Conv2d(p, p, 3, 1, 1, bias=False), nn.BatchNorm2d(p)
        self.map = nn.Conv2d(p, 1, 1)
        self.whole1, self.whole2 = nn.Linear(2 * w[4], 64), nn.Linear(64, 1)
        self.top = o["top"]

    def forward(self, x):
        x = F.relu(self.stem_bn(self.stem(F.pixel_unshuffle(local_contrast(x), 2))), inplace=True)
        levels = []
        for stage in self.stages:
            for block in stage:
                x = block(x)
            levels.append(x)
        total = self.laterals[2](levels[3])
        for n in (1, 0):
            finer = self.laterals[n](levels[n + 1])
            total = finer + F.interpolate(total, finer.shape[2:], mode="nearest")
        pyramid = F.relu(self.smooth_bn(self.smooth(total)), inplace=True)
        cells = self.map(pyramid).flatten(1)
        whole = self.whole2(F.relu(self.whole1(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1))))
        return cells.topk(self.top, 1).values.mean(1) + whole.squeeze(1)


def load(path, how):
    from safetensors.torch import load_file
    with open(path, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    info = json.loads(header["__metadata__"]["osteon"])
    net = FractureMap(info["architecture"]["fracture_map"])
    state = {name: tensor.float() for name, tensor in load_file(path).items()}
    missing, unexpected = net.load_state_dict(state, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing), (missing, unexpected)
    net.eval().requires_grad_(False)
    if how == "frozen":
        side = info["preprocess"]["size"]
        net = net.to(memory_format=torch.channels_last)
        example = torch.randn(1, 1, side, side)
        net = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, example)))
    return net, info


def prepare(data, pre):
    side = pre["size"]
    film = Image.open(io.BytesIO(data)).convert("L")
    scale = min(side / film.width, side / film.height)
    w, h = (max(1, round(length * scale)) for length in film.size)
    film = film.resize((w, h), Image.BILINEAR)
    square = np.zeros((side, side), np.uint8)
    left, top = (side - w) // 2, (side - h) // 2
    square[top:top + h, left:left + w] = np.asarray(film)
    x = (square.astype(np.float32) / 255 - pre["mean"]) / pre["std"]
    return torch.from_numpy(x)[None, None]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", required=True)
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--how", choices=["eager", "frozen"], default="frozen")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--workers", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    net, info = load(a.model, a.how)
    import anyio.to_thread, contextlib, time, uvicorn
    from fastapi import FastAPI, UploadFile

    @contextlib.asynccontextmanager
    async def lifespan(_):
        # More threads than cores would only take turns.
        anyio.to_thread.current_default_thread_limiter().total_tokens = a.workers
        yield

    app, pre, cal = FastAPI(lifespan=lifespan), info["preprocess"], info["calibration"]
    spent = {"network": 0.0, "prepare": 0.0}
    threshold = info["operating_points"][0]["threshold"]

    @app.post("/predict")
    def predict(file: UploadFile):
        start = time.perf_counter()
        x = prepare(file.file.read(), pre)
        ready = time.perf_counter()
        with torch.inference_mode():
            logit = float(net(x))
        spent["prepare"] += ready - start
        spent["network"] += time.perf_counter() - ready
        score = 1 / (1 + np.exp(-(cal["slope"] * logit + cal["intercept"])))
        return {"score": float(score), "decision": "fractured" if score >= threshold else "not_fractured"}

    @app.get("/spent")
    def seconds():
        return spent

    x = torch.zeros(1, 1, pre["size"], pre["size"])
    with torch.inference_mode():
        for _ in range(5):
            net(x)
    uvicorn.run(app, host="127.0.0.1", port=a.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
