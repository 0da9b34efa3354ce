#!/usr/bin/env python3
"""Latency of one film in ONNX Runtime: the seed's SimpleCNN of train_torch.py, exported by PyTorch. Prints one JSON line."""
import argparse, json, os, sys, time

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--scripts", required=True, help="folder with train_torch.py and common.py")
    p.add_argument("--model", required=True, help="the exported file, made if it is not there")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seconds", type=float, default=10.0)
    a = p.parse_args()
    sys.path.insert(0, a.scripts)
    import numpy as np, onnxruntime as ort
    from common import _cpu, memory
    if not os.path.exists(a.model):
        import torch
        from train_torch import SimpleCNN
        torch.manual_seed(0)
        torch.onnx.export(SimpleCNN().eval(), (torch.randn(1, 1, 150, 150),), a.model + ".new", dynamo=False,
                          input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})
        os.replace(a.model + ".new", a.model)
    options = ort.SessionOptions()
    options.intra_op_num_threads = a.threads
    session = ort.InferenceSession(a.model, options, providers=["CPUExecutionProvider"])
    def bench(batch, seconds):
        x = np.random.default_rng(0).standard_normal((batch, 1, 150, 150), dtype=np.float32); ts = []
        for _ in range(10): session.run(None, {"x": x})
        end = time.perf_counter() + seconds
        while True:
            t = time.perf_counter(); session.run(None, {"x": x}); u = time.perf_counter(); ts.append(u - t)
            if u >= end: break
        return sorted(ts)
    own0, all0 = _cpu(); t0 = time.perf_counter()
    t1, t32 = bench(1, a.seconds / 2), bench(32, a.seconds / 2)
    dt = time.perf_counter() - t0; own1, all1 = _cpu()
    q = lambda t, p: t[min(len(t) - 1, int(p * len(t)))]
    print(json.dumps(dict(name=f"onnxruntime-{ort.__version__}", img_per_s=round(32 / q(t32, .5), 1), peak_rss_mb=memory()[0],
                          threads=a.threads, b1_p50_ms=round(q(t1, .5) * 1e3, 3), b1_p99_ms=round(q(t1, .99) * 1e3, 3),
                          b32_p50_ms=round(q(t32, .5) * 1e3, 2),
                          foreign_cpu=round(max(0., (all1 - all0 - (own1 - own0)) / (dt * os.cpu_count())), 3))))

if __name__ == "__main__":
    main()
