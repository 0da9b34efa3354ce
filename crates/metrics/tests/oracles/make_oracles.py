"""Writes oracles.json: what scikit-learn, SciPy, statsmodels and plain NumPy say about fixed vectors.

    python3 -m venv VENV && VENV/bin/pip install scikit-learn statsmodels
    VENV/bin/python crates/metrics/tests/oracles/make_oracles.py

The committed file was written with the versions it names under "made_with". Undefined figures are null: where a library
returns 0 or NaN with a warning for 0/0, this script says null.
"""

import json
import pathlib
import re
import warnings

import numpy as np
import scipy
import scipy.stats
import sklearn
import statsmodels
from scipy.optimize import root
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn import metrics as sk
from sklearn.calibration import _sigmoid_calibration
from statsmodels.stats.proportion import proportion_confint

warnings.simplefilter("ignore")
CONFIDENCE = 0.95
PARTIAL = [0.05, 0.1, 0.25, 0.5, 0.9]
TARGETS = [0.0, 0.5, 0.9, 0.95, 1.0]


def number(value):
    value = float(value)
    return value if np.isfinite(value) else None


def placement_variance(labels, scores):
    """DeLong's variance from the definition, O(n^2)."""
    x, y = scores[labels], scores[~labels]
    if len(x) < 2 or len(y) < 2:
        return None
    psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    return psi.mean(1).var(ddof=1) / len(x) + psi.mean(0).var(ddof=1) / len(y)


def delong(labels, scores, auc):
    variance = placement_variance(labels, scores)
    if variance is None or variance < 1e-30 or not 0 < auc < 1:
        return None
    half = norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(variance) / (auc * (1 - auc))
    return [float(expit(logit(auc) - half)), float(expit(logit(auc) + half))]


def ece(labels, scores, bins):
    which = np.searchsorted(np.arange(1, bins) / bins, scores, side="right")
    gap = 0.0
    for b in np.unique(which):
        inside = which == b
        gap += inside.sum() * abs(scores[inside].mean() - labels[inside].mean())
    return gap / len(labels)


def ece_equal_mass(labels, scores, bins):
    """Images by rising score; a run of equal scores is put, whole, where its mid-rank falls."""
    rank = scipy.stats.rankdata(scores, method="average") - 0.5  # mid-rank from 0: whole or half, hence exact
    which = (2 * rank).astype(int) * bins // (2 * len(scores))
    return sum((which == b).mean() * abs(scores[which == b].mean() - labels[which == b].mean()) for b in set(which))


def at_target(labels, scores, target):
    """Best sensitivity of specificity >= target and the reverse, over every threshold, one by one."""
    sensitivity = specificity = 0.0
    for threshold in [*np.unique(scores), np.inf]:
        flagged = scores >= threshold
        found, spared = flagged[labels].sum() / labels.sum(), (~flagged[~labels]).sum() / (~labels).sum()
        if spared >= target:
            sensitivity = max(sensitivity, found)
        if found >= target:
            specificity = max(specificity, spared)
    return [float(sensitivity), float(specificity)]


def smoothed(labels):
    p, n = labels.sum(), (~labels).sum()
    return np.where(labels, (p + 1) / (p + 2), 1 / (n + 2))


def platt(labels, logits):
    t = smoothed(labels)
    gradient = lambda v: [((expit(v[0] * logits + v[1]) - t) * logits).sum(), (expit(v[0] * logits + v[1]) - t).sum()]
    found = root(gradient, [0.5, 0.0], tol=1e-14)
    assert max(map(abs, gradient(found.x))) < 1e-8, (found, gradient(found.x))
    a, b = _sigmoid_calibration(logits, labels.astype(int))
    return {"slope": found.x[0], "intercept": found.x[1], "sklearn_slope": -float(a), "sklearn_intercept": -float(b)}


def temperature(labels, logits):
    t = smoothed(labels)
    found = root(lambda v: ((expit(v[0] * logits) - t) * logits).sum(), [0.5], tol=1e-14)
    return found.x[0]


def case(name, labels, scores, threshold=0.5):
    labels, scores = np.asarray(labels, bool), np.asarray(scores, float)
    decisions = scores >= threshold
    tn, fp, fn, tp = sk.confusion_matrix(labels, decisions, labels=[False, True]).ravel()
    both = labels.any() and not labels.all()
    some = lambda defined, compute: number(compute()) if defined else None
    auc = some(both, lambda: sk.roc_auc_score(labels, scores))
    out = {
        "name": name, "labels": labels.tolist(), "scores": scores.tolist(), "threshold": threshold,
        "confusion": {"tp": int(tp), "fn": int(fn), "fp": int(fp), "tn": int(tn)},
        "accuracy": number(sk.accuracy_score(labels, decisions)),
        "sensitivity": some(tp + fn, lambda: sk.recall_score(labels, decisions)),
        "specificity": some(tn + fp, lambda: sk.recall_score(labels, decisions, pos_label=False)),
        "precision": some(tp + fp, lambda: sk.precision_score(labels, decisions)),
        "npv": some(tn + fn, lambda: sk.precision_score(labels, decisions, pos_label=False)),
        "f1": some(tp + fp + fn, lambda: sk.f1_score(labels, decisions)),
        "f2": some(tp + fp + fn, lambda: sk.fbeta_score(labels, decisions, beta=2)),
        "balanced_accuracy": some(both, lambda: sk.balanced_accuracy_score(labels, decisions)),
        # Both libraries' conventions for 0/0 apart.
        "kappa": some(both or (tp + fp and tn + fn), lambda: sk.cohen_kappa_score(labels, decisions)),
        "mcc": some(both and tp + fp and tn + fn, lambda: sk.matthews_corrcoef(labels, decisions)),
        "roc_auc": auc,
        "partial_auc": [some(both, lambda: sk.roc_auc_score(labels, scores, max_fpr=m)) for m in PARTIAL],
        "at_target": [at_target(labels, scores, t) if both else None for t in TARGETS],
        "average_precision": some(labels.any(), lambda: sk.average_precision_score(labels, scores)),
        "brier": number(sk.brier_score_loss(labels, scores, labels=[False, True], pos_label=True)),
        "log_loss": number(sk.log_loss(labels, scores, labels=[False, True])),
        "ece_10": number(ece(labels, scores, 10)), "ece_15": number(ece(labels, scores, 15)),
        "equal_mass_4": number(ece_equal_mass(labels, scores, 4)), "equal_mass_15": number(ece_equal_mass(labels, scores, 15)),
        "delong_variance": placement_variance(labels, scores) if both else None,
        "delong": delong(labels, scores, auc) if both else None,
        "roc": [], "pr": [], "platt": None, "temperature": None,
    }
    if both:
        fpr, tpr, _ = sk.roc_curve(labels, scores, drop_intermediate=False)
        out["roc"] = [list(p) for p in zip(fpr.tolist(), tpr.tolist())]
    if labels.any():
        precision, recall, thresholds = sk.precision_recall_curve(labels, scores)
        # Ascending threshold, with the conventional (recall 0, precision 1) last: drop it and reverse.
        out["pr"] = [list(p) for p in zip(thresholds[::-1].tolist(), precision[-2::-1].tolist(), recall[-2::-1].tolist())]
    logits = 6 * scores - 2
    if both and auc > 0.5 and len(set(scores)) > 2:
        out["platt"], out["temperature"] = platt(labels, logits), float(temperature(labels, logits))
    return out


def bootstrap(labels, scores, threshold, replicates=20000):
    """A stratified percentile bootstrap with NumPy's generator: agrees up to Monte Carlo error."""
    labels, scores = np.asarray(labels), np.asarray(scores)
    generator = np.random.default_rng(5)
    f1, average = [], []
    x, y = scores[labels], scores[~labels]
    truth = np.r_[np.ones(len(x), bool), np.zeros(len(y), bool)]
    for _ in range(replicates):
        drawn = np.r_[generator.choice(x, len(x)), generator.choice(y, len(y))]
        decided = drawn >= threshold
        f1.append(2 * (decided & truth).sum() / (decided.sum() + len(x)))
        average.append(sk.average_precision_score(truth, drawn))
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    return {"f1": np.quantile(f1, tails).tolist(), "average_precision": np.quantile(average, tails).tolist()}


def group_bootstrap(labels, scores, groups, threshold, replicates=10000):
    """Whole groups with replacement, with NumPy's generator; replicates that leave a figure undefined are left out."""
    labels, scores, groups = np.asarray(labels), np.asarray(scores), np.asarray(groups)
    generator = np.random.default_rng(6)
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    found = {name: [] for name in ["sensitivity", "precision", "kappa", "roc_auc", "average_precision", "brier"]}
    for _ in range(replicates):
        drawn = np.concatenate([members[g] for g in generator.integers(len(members), size=len(members))])
        y, p = labels[drawn], scores[drawn]
        called = p >= threshold
        if y.any():
            found["sensitivity"].append(called[y].mean())
            found["average_precision"].append(sk.average_precision_score(y, p))
        if called.any():
            found["precision"].append(y[called].mean())
        if y.any() and not y.all():
            found["roc_auc"].append(sk.roc_auc_score(y, p))
            found["kappa"].append(sk.cohen_kappa_score(y, called))
        found["brier"].append(((p - y) ** 2).mean())
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    return {name: np.quantile(figures, tails).tolist() for name, figures in found.items()}


def simulated(seed, n, prevalence, separation, digits):
    generator = np.random.default_rng(seed)
    labels = generator.random(n) < prevalence
    scores = expit(generator.normal(0, 1.3, n) + separation * (labels - 0.5))
    return labels.tolist(), np.round(scores, digits).tolist()


T, F = True, False
balanced = simulated(1, 150, 0.5, 2.5, 2)
cases = [
    case("few with ties", [T, F, T, T, F, F, T, F], [0.9, 0.9, 0.5, 0.7, 0.5, 0.1, 0.5, 0.3]),
    case("simulated, two digits, many ties", *balanced),
    case("imbalanced, 4 % fractured", *simulated(2, 300, 0.04, 2.0, 3), threshold=0.7),
    case("coarse, one digit", *simulated(3, 120, 0.4, 1.0, 1)),
    case("worse than chance", *simulated(4, 80, 0.5, -1.0, 2)),
    case("scores of exactly 0 and 1", [T, T, T, F, F, F, T, F], [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.4, 1e-9]),
    case("perfect", [T, T, T, F, F], [0.9, 0.8, 0.7, 0.3, 0.2]),
    case("inverted", [F, F, F, T, T], [0.9, 0.8, 0.7, 0.3, 0.2]),
    case("constant", [T, F, T, F, F], [0.25] * 5),
    case("fractured only", [T, T, T], [0.9, 0.2, 0.5]),
    case("unfractured only", [F, F, F], [0.9, 0.2, 0.1]),
    case("one fractured image", [T], [0.8]),
    case("one unfractured image", [F], [0.2]),
    case("one of each", [T, F], [0.2, 0.8]),
    case("one fractured among many", [F, F, T, F, F, F], [0.1, 0.6, 0.6, 0.7, 0.2, 0.2]),
    case("extreme scores", [T, F, T, F, T, F, T], [1 - 1e-16, 1e-300, 5e-324, 1 - 1e-16, 0.5, 0.5, 1.0]),
    case("simulated, distinct", *simulated(7, 211, 0.3, 1.5, 9), threshold=0.4),
    case("everything flagged", [T, F, T], [0.6, 0.7, 0.8]),
    case("nothing flagged", [T, F, T, F], [0.1, 0.2, 0.3, 0.4]),
]
wilson = []
for successes, trials in [(0, 1), (1, 1), (0, 50), (50, 50), (327, 337), (491, 492), (818, 829), (1, 10), (7, 9), (12345, 99999)]:
    for confidence in [0.8, 0.95, 0.99]:
        low, high = proportion_confint(successes, trials, 1 - confidence, "wilson")
        wilson.append({"successes": successes, "trials": trials, "confidence": confidence, "low": float(low), "high": float(high)})
exact = []
for successes, trials in [(0, 1), (1, 1), (1, 2), (0, 50), (50, 50), (3, 10), (327, 337), (491, 492), (1, 1000), (818, 829), (14, 30), (2500, 5000),
                          (1, 10**6), (999_990, 10**6), (12345, 99999), (500_000, 10**6), (7, 10**7), (3_333_333, 10**7)]:
    for confidence in [0.5, 0.8, 0.95, 0.99, 0.999999]:
        low, high = proportion_confint(successes, trials, 1 - confidence, "beta")
        exact.append({"successes": successes, "trials": trials, "confidence": confidence, "low": float(low), "high": float(high)})
# Rotated copies: every film three times, with nearly its score, so that intervals of single images are too narrow.
films = simulated(8, 60, 0.4, 2.0, 3)
copies = {
    "labels": [y for y in films[0] for _ in range(3)],
    "scores": [round(min(max(p + d, 0), 1), 3) for p in films[1] for d in (0.0, 0.02, -0.03)],
    "groups": [1000 - film for film in range(60) for _ in range(3)],
    "threshold": 0.5,
}
versions = {m.__name__: m.__version__ for m in (np, scipy, sklearn, statsmodels)}
oracles = {
    "made_with": versions, "confidence": CONFIDENCE, "cases": cases, "wilson": wilson, "clopper_pearson": exact, "partial": PARTIAL, "targets": TARGETS,
    "grouped": {**copies, "intervals": group_bootstrap(*copies.values())},
    "normal": [[c, float(norm.isf((1 - c) / 2))] for c in [0.1, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.999999]],
    "bootstrap": {"case": 1, **bootstrap(*balanced, 0.5)},
}
# One array of numbers a line: readable in a diff, without a line per number.
text = json.dumps(oracles, indent=1, default=float)
text = re.sub(r"\[[^\[\]{}]*\]", lambda m: " ".join(m.group().split()), text)
pathlib.Path(__file__).with_name("oracles.json").write_text(text + "\n")
