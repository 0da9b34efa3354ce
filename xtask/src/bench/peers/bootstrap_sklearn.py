#!/usr/bin/env python3
"""The stratified bootstrap of a summary's figures by scikit-learn's functions, on processes. Prints one JSON line."""
import argparse, json, multiprocessing as mp, resource, time
import numpy as np
from sklearn import metrics as sk

THRESHOLD, BINS, MAX_FPR, TARGET = 0.5, 15, 0.1, 0.9


def gaps(which, labels, scores):
    """Expected calibration error over given bins."""
    d = np.bincount(which, scores, BINS) - np.bincount(which, labels, BINS)
    return np.abs(d).sum() / len(labels)


def figures(labels, scores):
    called = scores >= THRESHOLD
    fpr, tpr, _ = sk.roc_curve(labels, scores, drop_intermediate=False)
    order = np.argsort(scores, kind="stable")
    ranked, n = scores[order], len(scores)
    # A run of equal scores goes, whole, into the bin of its mid-rank.
    first, last = np.searchsorted(ranked, ranked, "left"), np.searchsorted(ranked, ranked, "right")
    return [
        sk.accuracy_score(labels, called), sk.recall_score(labels, called), sk.recall_score(labels, called, pos_label=0),
        sk.precision_score(labels, called), sk.precision_score(labels, called, pos_label=0), sk.f1_score(labels, called),
        sk.balanced_accuracy_score(labels, called), sk.cohen_kappa_score(labels, called), sk.matthews_corrcoef(labels, called),
        sk.roc_auc_score(labels, scores), sk.roc_auc_score(labels, scores, max_fpr=MAX_FPR),
        sk.average_precision_score(labels, scores),
        tpr[1 - fpr >= TARGET].max(), (1 - fpr)[tpr >= TARGET].max(),
        sk.brier_score_loss(labels, scores), sk.log_loss(labels, scores),
        gaps(np.minimum((scores * BINS).astype(int), BINS - 1), labels, scores),
        gaps((first + last) * BINS // (2 * n), labels[order], ranked),
    ]


class Counted:
    """What an expert would write in NumPy: the scores sorted once, a replicate only counts, figures from cumulative sums."""

    def __init__(self):
        self.score, places = np.unique(-SCORES, return_inverse=True)
        self.score = -self.score
        self.places = [places[c] for c in CLASSES]
        self.data = [np.bincount(p, minlength=len(self.score)) for p in self.places]
        clipped = np.clip(self.score, np.finfo(float).eps, 1 - np.finfo(float).eps)
        self.costs = np.stack([(1 - self.score) ** 2, -np.log(clipped)]), np.stack([self.score**2, -np.log1p(-clipped)])
        self.flagged = np.count_nonzero(self.score >= THRESHOLD)
        self.wide = np.minimum((self.score * BINS).astype(int), BINS - 1)

    def draw(self, generator):
        return [np.bincount(p[generator.integers(len(p), size=len(p))], minlength=len(self.score)) for p in self.places]

    def figures(self, fractured, other):
        tp, fp = np.cumsum(fractured), np.cumsum(other)
        p, n = tp[-1], fp[-1]
        all_ = p + n
        a, c = tp[self.flagged - 1], fp[self.flagged - 1]
        b, d = p - a, n - c
        tpr, fpr = np.r_[0, tp / p], np.r_[0, fp / n]
        images = fractured + other
        with np.errstate(invalid="ignore"):
            precision = np.nan_to_num(tp / (tp + fp))
        stop = np.searchsorted(fpr, MAX_FPR, "right")
        part = np.trapezoid(np.r_[tpr[:stop], np.interp(MAX_FPR, fpr[stop - 1:stop + 1], tpr[stop - 1:stop + 1])], np.r_[fpr[:stop], MAX_FPR])
        chance = MAX_FPR**2 / 2
        brier, loss = (self.costs[0] @ fractured + self.costs[1] @ other) / all_
        excess = images * self.score - fractured
        middle = 2 * (all_ - np.cumsum(images)) + images
        error = lambda which: np.abs(np.bincount(which, excess, BINS)).sum() / all_
        return [
            (a + d) / all_, a / p, d / n, a / (a + c), d / (b + d), 2 * a / (2 * a + b + c), (a / p + d / n) / 2,
            2 * (a * d - b * c) / ((a + c) * n + p * (b + d)), (a * d - b * c) / np.sqrt(float(a + c) * p * n * (b + d)),
            np.trapezoid(tpr, fpr), 0.5 * (1 + (part - chance) / (MAX_FPR - chance)),
            (fractured * precision).sum() / p,
            tpr[1 - fpr >= TARGET].max(), (1 - fpr)[tpr >= TARGET].max(), brier, loss, error(self.wide),
            error(np.minimum(middle * BINS // (2 * all_), BINS - 1)),
        ]


def some_counted(job):
    seed, replicates = job
    generator, counted = np.random.default_rng([0, seed]), Counted()
    return [counted.figures(*counted.draw(generator)) for _ in range(replicates)]


NAMES = ["accuracy", "sensitivity", "specificity", "precision", "npv", "f1", "balanced_accuracy", "kappa", "mcc", "roc_auc", "partial_auc",
         "average_precision", "sensitivity_at_90_specificity", "specificity_at_90_sensitivity", "brier", "log_loss", "ece", "ece_equal_mass"]


def some(job):
    seed, replicates = job
    generator, found = np.random.default_rng([0, seed]), []
    for _ in range(replicates):
        drawn = np.concatenate([generator.choice(c, len(c)) for c in CLASSES])
        found.append(figures(LABELS[drawn], SCORES[drawn]))
    return found


def main():
    global LABELS, SCORES, CLASSES
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", required=True, help="lines label,score")
    p.add_argument("--replicates", type=int, default=40)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--counted", action="store_true", help="sort once, count, and use NumPy alone")
    a = p.parse_args()
    table = np.loadtxt(a.data, delimiter=",")
    LABELS, SCORES = table[:, 0].astype(int), table[:, 1]
    CLASSES = [np.flatnonzero(LABELS == 1), np.flatnonzero(LABELS == 0)]
    run = some_counted if a.counted else some
    usage = lambda who: sum(resource.getrusage(who)[:2])
    # Forked workers have the data and the modules already; the pool starts before the clock does.
    with mp.get_context("fork").Pool(a.workers) as pool:
        pool.map(run, [(i, 0) for i in range(a.workers)])
        share = [a.replicates // a.workers + (i < a.replicates % a.workers) for i in range(a.workers)]
        start, own = time.perf_counter(), usage(resource.RUSAGE_SELF)
        counted = Counted() if a.counted else None
        point = counted.figures(*counted.data) if counted else figures(LABELS, SCORES)
        found = sum(pool.map(run, list(enumerate(share)), chunksize=1), [])
        low, high = np.quantile(found, [0.025, 0.975], axis=0)
        seconds, own = time.perf_counter() - start, usage(resource.RUSAGE_SELF) - own
        pool.close()
        pool.join()
    cpu = own + usage(resource.RUSAGE_CHILDREN)
    memory = sum(resource.getrusage(w).ru_maxrss * n for w, n in [(resource.RUSAGE_SELF, 1), (resource.RUSAGE_CHILDREN, a.workers)])
    print(json.dumps(dict(images=len(LABELS), replicates=a.replicates, seconds=seconds, replicates_per_s=a.replicates / seconds,
                          replicates_per_cpu_s=a.replicates / cpu,
                          peak_rss_mb=round(memory / 1024), figures=dict(zip(NAMES, map(float, point))),
                          low=dict(zip(NAMES, low)), high=dict(zip(NAMES, high)))))


if __name__ == "__main__":
    main()
