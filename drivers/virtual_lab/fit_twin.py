"""Fits the methane-coupling twin: the hidden truth of the simulated laboratory.

    python3 drivers/virtual_lab/fit_twin.py TABLE.csv drivers/virtual_lab/twin_ocm.json

TABLE has the columns M1, M2, M3, Support and a yield in percent. The truth is additive on a soft scale:

    score  = support[S] + sum_m element[m] + sum_m element_on_support[m, S] + sum_{m < m'} pair[m, m']
    yield  = 24 / (1 + exp(-score))            (percent; 24 is a ceiling just above the best known)

with each term counted once a distinct element, and a second or third slot of the same element counted as
0.35 of the first. Terms are fitted by ridge regression; the penalties are chosen by 10-fold cross-validation;
terms below 0.05 in size are dropped. The file that is written is the whole truth, and is readable.
Needs python3-numpy; the simulated laboratory itself needs nothing but the file.
"""
import csv
import itertools
import json
import math
import sys

import numpy as np

CEILING = 24.0
REPEAT = 0.35
SMALLEST = 0.05


def terms(slots, support):
    """The terms of one catalyst, by kind and name, with their multipliers."""
    present = sorted(set(slots) - {"none"})
    weight = {m: 1.0 + REPEAT * (slots.count(m) - 1) for m in present}
    yield "support", support, 1.0
    for m in present:
        yield "element", m, weight[m]
        yield "element_on_support", f"{m} {support}", weight[m]
    for a, b in itertools.combinations(present, 2):
        yield "pair", f"{a} {b}", 1.0


def main():
    table, out = sys.argv[1:3]
    rows = list(csv.DictReader(open(table, newline="", encoding="utf-8-sig")))
    target = next(c for c in rows[0] if "yield" in c.lower())
    design, y = [], []
    names = {}
    for row in rows:
        entries = list(terms([row["M1"], row["M2"], row["M3"]], row["Support"]))
        for kind, name, _ in entries:
            names.setdefault((kind, name), len(names))
        design.append(entries)
        share = min(max(float(row[target]), 0.3), CEILING - 0.3) / CEILING
        y.append(math.log(share / (1.0 - share)))
    x = np.zeros((len(rows), len(names)))
    for i, entries in enumerate(design):
        for kind, name, value in entries:
            x[i, names[kind, name]] = value
    y = np.array(y)

    def fit(rows_in, penalty):
        ridge = np.array([penalty[kind] for kind, _ in names])
        a = x[rows_in].T @ x[rows_in] + np.diag(ridge)
        return np.linalg.solve(a, x[rows_in].T @ y[rows_in])

    folds = np.arange(len(rows)) % 10
    best = None
    for element, on_support, pair in itertools.product((1.0, 3.0), (3.0, 6.0, 12.0), (3.0, 6.0, 12.0)):
        penalty = {"support": 0.3, "element": element, "element_on_support": on_support, "pair": pair}
        error = 0.0
        for fold in range(10):
            beta = fit(folds != fold, penalty)
            error += np.abs(x[folds == fold] @ beta - y[folds == fold]).sum()
        if best is None or error < best[0]:
            best = (error, penalty)
    beta = fit(np.ones(len(rows), bool), best[1])
    truth = {"support": {}, "element": {}, "element_on_support": {}, "pair": {}}
    for (kind, name), j in sorted(names.items()):
        if kind == "support" or abs(beta[j]) >= SMALLEST:
            truth[kind][name] = round(float(beta[j]), 3)
    document = {
        "what": "The hidden truth of the simulated methane-coupling laboratory; see fit_twin.py for its formula.",
        "ceiling": CEILING,
        "repeat": REPEAT,
        "cross_validated_mean_absolute_error_of_score": round(best[0] / len(rows), 3),
        "penalties": best[1],
        "truth": truth,
    }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, sort_keys=True)
        file.write("\n")
    print({k: len(v) for k, v in truth.items()}, best)


if __name__ == "__main__":
    main()
