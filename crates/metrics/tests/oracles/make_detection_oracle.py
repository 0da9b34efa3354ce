"""Writes detection.json: what pycocotools says of drawn boxes, the average precisions of COCO.

    python3 -m venv VENV && VENV/bin/pip install pycocotools numpy
    VENV/bin/python crates/metrics/tests/oracles/make_detection_oracle.py

The committed file was written with the versions it names under "made_with".
"""

import contextlib
import importlib.metadata
import io
import json
import pathlib

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

SIDE = 1000.0


def drawn(rng, images, missed, false, shift):
    """Known boxes, and boxes given: most known ones moved by some of their size, others from nowhere. Scores have ties."""
    cases = []
    for _ in range(images):
        known, found = [], []
        for _ in range(rng.choice([0, 0, 1, 1, 2, 5])):
            w, h = rng.uniform(20, 200, 2)
            x, y = rng.uniform(0, SIDE - 200, 2)
            known.append([x, y, x + w, y + h])
            if rng.random() > missed:
                dx, dy, dw, dh = rng.normal(0, shift, 4) * [w, h, w, h]
                found.append([x + dx, y + dy, x + dx + max(4, w + dw), y + dy + max(4, h + dh)])
        for _ in range(rng.poisson(false)):
            x, y = rng.uniform(0, SIDE - 200, 2)
            found.append([x, y, x + rng.uniform(20, 200), y + rng.uniform(20, 200)])
        scores = [float(np.round(rng.random(), 2)) for _ in found]
        cases.append({"known": known, "found": found, "scores": scores})
    return cases


def judged(cases):
    box = lambda r: [r[0], r[1], r[2] - r[0], r[3] - r[1]]
    truth, given = [], []
    for number, case in enumerate(cases, 1):
        for r in case["known"]:
            w, h = box(r)[2:]
            truth.append({"id": len(truth) + 1, "image_id": number, "category_id": 1, "bbox": box(r), "area": w * h, "iscrowd": 0})
        for r, score in zip(case["found"], case["scores"]):
            given.append({"image_id": number, "category_id": 1, "bbox": box(r), "score": score})
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {"images": [{"id": i + 1} for i in range(len(cases))], "categories": [{"id": 1}], "annotations": truth}
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(given), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return {"ap": evaluation.stats[0], "ap50": evaluation.stats[1], "ap75": evaluation.stats[2]}


rng = np.random.default_rng(23)
sets = {"close": (30, 0.2, 0.5, 0.1), "loose": (40, 0.3, 1.0, 0.25), "crowded": (20, 0.1, 4.0, 0.15)}
out = {"made_with": {name: importlib.metadata.version(name) for name in ("pycocotools", "numpy")}, "sets": {}}
for name, terms in sets.items():
    cases = drawn(rng, *terms)
    out["sets"][name] = {"images": cases, **judged(cases)}
path = pathlib.Path(__file__).with_name("detection.json")
path.write_text(json.dumps(out) + "\n")
