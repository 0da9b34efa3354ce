"""Computes the figures of a report folder anew with scikit-learn, from its scores.csv alone.

    python judged.py REPORT      prints one JSON object: the greatest difference from judgement.json, by figure

Needs scikit-learn. Only the threshold is taken from judgement.json: it is the model's.
"""

import csv
import json
import pathlib
import sys

import numpy as np
from sklearn import metrics as sk

folder = pathlib.Path(sys.argv[1])
said = json.loads((folder / "judgement.json").read_text())
rows = list(csv.DictReader((folder / "scores.csv").open(newline="", encoding="utf-8")))
truth = np.array([row["label"] == "1" for row in rows])
scores = np.array([float(row["score"]) for row in rows])
seen = np.array([row["seen"] for row in rows])


def equal_width(truth, scores, bins):
    which = np.searchsorted(np.arange(1, bins) / bins, scores, side="right")
    return sum(
        (which == b).mean() * abs(scores[which == b].mean() - truth[which == b].mean()) for b in np.unique(which)
    )


def figures(truth, scores, threshold):
    called = scores >= threshold
    tn, fp, fn, tp = sk.confusion_matrix(truth, called, labels=[False, True]).ravel()
    ratio = lambda a, b: a / b if b else None
    both = 0 < truth.sum() < len(truth)
    fpr, tpr, _ = sk.roc_curve(truth, scores, drop_intermediate=False) if both else (None, None, None)
    return {
        "tp": tp, "fn": fn, "fp": fp, "tn": tn,
        "accuracy": sk.accuracy_score(truth, called),
        "sensitivity": ratio(tp, tp + fn),
        "specificity": ratio(tn, tn + fp),
        "precision": ratio(tp, tp + fp),
        "npv": ratio(tn, tn + fn),
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "balanced_accuracy": sk.balanced_accuracy_score(truth, called) if both else None,
        "kappa": sk.cohen_kappa_score(truth, called) if both else None,
        "mcc": sk.matthews_corrcoef(truth, called) if both and 0 < called.sum() < len(called) else None,
        "roc_auc": sk.roc_auc_score(truth, scores) if both else None,
        "partial_auc": sk.roc_auc_score(truth, scores, max_fpr=0.1) if both else None,
        "average_precision": sk.average_precision_score(truth, scores) if truth.any() else None,
        "sensitivity_at_90_specificity": tpr[1 - fpr >= 0.9].max() if both else None,
        "brier": sk.brier_score_loss(truth, scores),
        "log_loss": sk.log_loss(truth, scores, labels=[False, True]),
        "ece": equal_width(truth, scores, 15),
    }


def plain(value):
    return value["value"] if isinstance(value, dict) and "value" in value else value


def differences(summary, found):
    summary = {**summary, **summary["confusion"]}
    out = {}
    for name, value in found.items():
        known = plain(summary[name])
        assert (known is None) == (value is None), (name, known, value)
        if value is not None:
            out[name] = abs(float(known) - float(value))
    return out


result = differences(said, figures(truth, scores, said["threshold"]))
clean = said["leak"]["clean_summary"]
if clean:
    kept = seen == "no"
    found = differences(clean, figures(truth[kept], scores[kept], clean["threshold"]))
    result.update({f"clean {name}": value for name, value in found.items()})
assert len(rows) == said["images"], (len(rows), said["images"])
print(json.dumps(result))
