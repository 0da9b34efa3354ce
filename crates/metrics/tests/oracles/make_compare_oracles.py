"""Writes compare.json: what SciPy, scikit-learn, statsmodels and plain NumPy say about two models on the same images, and
about isotonic calibration.

    python3 -m venv VENV && VENV/bin/pip install scikit-learn statsmodels
    VENV/bin/python crates/metrics/tests/oracles/make_compare_oracles.py

The committed file was written with the versions it names under "made_with". Undefined figures are null.
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
import statsmodels
from scipy.stats import binom, binomtest, norm
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint


def newcombe(both, only_a, only_b, neither, confidence):
    """Method 10 of Newcombe (1998), on statsmodels' Wilson limits."""
    n = both + only_a + only_b + neither
    a, b = (both + only_a) / n, (both + only_b) / n
    la, ua = proportion_confint(both + only_a, n, 1 - confidence, "wilson")
    lb, ub = proportion_confint(both + only_b, n, 1 - confidence, "wilson")
    cross = both * neither - only_a * only_b
    if cross > 0:
        cross = max(cross - n / 2, 0)
    scale = np.sqrt(float(both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither))
    phi = cross / scale if scale > 0 else 0
    reach = lambda x, y: np.sqrt(max(x * x - 2 * phi * x * y + y * y, 0))
    return [a - b - reach(a - la, ub - b), a - b + reach(ua - a, b - lb)]


def tables():
    rng = np.random.default_rng(3)
    cells = [(1, 1, 7, 12), (36, 12, 2, 0), (20, 12, 2, 16), (90, 0, 0, 10), (0, 5, 3, 0), (50, 0, 0, 0), (0, 3, 0, 0),
             (327, 4, 11, 87), (700, 40, 61, 28), (5, 1000, 1100, 5), (0, 0, 0, 4)]
    cells += [tuple(int(x) for x in rng.integers(0, 40, 4)) for _ in range(8)]
    for both, only_a, only_b, neither in cells:
        for confidence in (0.9, 0.95):
            k, m = min(only_a, only_b), only_a + only_b
            exact = binomtest(k, m, 0.5).pvalue if m else 1.0
            assert abs(exact - float(mcnemar([[both, only_a], [only_b, neither]], exact=True).pvalue)) < 1e-9 or m == 0
            low, high = newcombe(both, only_a, only_b, neither, confidence)
            yield {
                "counts": [both, only_a, only_b, neither], "confidence": confidence, "exact": float(exact),
                "mid_p": float(min(1, 2 * binom.cdf(k, m, 0.5) - binom.pmf(k, m, 0.5))) if m else 1.0,
                "low": low, "high": high,
            }


def psi(labels, scores):
    x, y = scores[labels], scores[~labels]
    return (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])


def delong(labels, a, b):
    """The covariance matrix of two areas from its definition, O(n^2)."""
    pairs = [psi(labels, a), psi(labels, b)]
    s10 = np.cov(np.stack([p.mean(1) for p in pairs]))
    s01 = np.cov(np.stack([p.mean(0) for p in pairs]))
    s = s10 / labels.sum() + s01 / (~labels).sum()
    areas = [float(roc_auc_score(labels, v)) for v in (a, b)]
    variance = float(s[0, 0] + s[1, 1] - 2 * s[0, 1])
    out = {"a": areas[0], "b": areas[1], "z": None, "p": None, "low": None, "high": None}
    if variance > 1e-25:
        error = np.sqrt(variance)
        out["z"] = (areas[0] - areas[1]) / error
        out["p"] = float(2 * norm.sf(abs(out["z"])))
        half = norm.ppf(0.975) * error
        out["low"], out["high"] = max(areas[0] - areas[1] - half, -1), min(areas[0] - areas[1] + half, 1)
    return out


def paired():
    rng = np.random.default_rng(11)
    for name, n, prevalence, gap, steps in [
        ("continuous", 120, 0.4, 1.2, None), ("ties", 150, 0.3, 1.0, 2), ("many ties", 90, 0.5, 0.8, 0),
        ("4 % prevalence", 200, 0.04, 1.5, 2), ("near-perfect", 80, 0.5, 4.0, None), ("alike", 60, 0.3, 1.0, 1),
        ("two of each", 4, 0.5, 1.0, None),
    ]:
        labels = np.zeros(n, bool)
        labels[: max(2, round(n * prevalence))] = True
        rng.shuffle(labels)
        common = rng.normal(size=n)
        a = common + 0.7 * rng.normal(size=n) + gap * labels
        b = common + 0.7 * rng.normal(size=n) + 0.8 * gap * labels
        if name == "alike":
            b = 3 * a - 1
        if steps is not None:
            a, b = np.round(a, steps), np.round(b, steps)
        if name == "alike":
            b = 3 * a - 1
        yield {"name": name, "labels": labels.tolist(), "a": a.tolist(), "b": b.tolist(), "found": delong(labels, a, b)}


def isotonic():
    rng = np.random.default_rng(5)
    for name, n, step in [("continuous", 200, None), ("ties", 150, 1), ("many ties", 80, 0), ("two", 2, None), ("noise", 60, 1)]:
        labels = np.arange(n) % 3 == 0
        logits = rng.normal(size=n) + (0 if name == "noise" else 1.5) * labels
        if step is not None:
            logits = np.round(logits, step)
        fit = IsotonicRegression(out_of_bounds="clip").fit(logits, labels.astype(float))
        at = np.concatenate([logits, np.linspace(logits.min() - 1, logits.max() + 1, 101)])
        yield {
            "name": name, "labels": labels.tolist(), "logits": logits.tolist(), "at": at.tolist(),
            "scores": fit.predict(at).tolist(), "knots": len(fit.X_thresholds_),
        }


def interval_of_groups():
    """The percentile bootstrap of a difference of areas over whole groups and over images by class, in NumPy."""
    rng = np.random.default_rng(17)
    groups = np.repeat(np.arange(60), rng.integers(1, 5, 60))
    n = len(groups)
    labels = (rng.random(60) < 0.4)[groups]
    shared = rng.normal(size=(60, 2))[groups]
    noise = rng.normal(size=(n, 2))
    a = 1.4 * labels + shared[:, 0] + 0.4 * noise[:, 0]
    b = 1.0 * labels + shared[:, 1] + 0.4 * noise[:, 1]

    def area(y, s):
        order = scipy.stats.rankdata(s)
        p = y.sum()
        return (order[y].sum() - p * (p + 1) / 2) / (p * (len(y) - p))

    members = [np.flatnonzero(groups == g) for g in range(60)]
    p, q = np.flatnonzero(labels), np.flatnonzero(~labels)
    by_group, by_image = [], []
    for _ in range(100_000):
        i = np.concatenate([members[g] for g in rng.integers(0, 60, 60)])
        by_group.append(area(labels[i], a[i]) - area(labels[i], b[i]))
        i = np.concatenate([rng.choice(p, len(p)), rng.choice(q, len(q))])
        by_image.append(area(labels[i], a[i]) - area(labels[i], b[i]))
    ends = lambda v: np.quantile(v, [0.025, 0.975]).tolist()
    return {"labels": labels.tolist(), "a": a.tolist(), "b": b.tolist(), "groups": groups.tolist(),
            "by_group": ends(by_group), "by_image": ends(by_image)}


out = {
    "made_with": {m.__name__: m.__version__ for m in (np, scipy, sklearn, statsmodels)},
    "mcnemar": list(tables()), "delong": list(paired()), "isotonic": list(isotonic()), "bootstrap": interval_of_groups(),
}
path = pathlib.Path(__file__).with_name("compare.json")
path.write_text(json.dumps(out, allow_nan=False) + "\n")
