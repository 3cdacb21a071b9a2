"""Exact Huber leave-one-out against scikit-learn's HuberRegressor, same subsets of the same real tables, one run.

Random subsets and good ones (descended to by random exchanges); the ratio is that of the mean times. "ours of many" is the
mean over 4,000 random or 200 good subsets, to see that the ones compared are not lucky. Fails when a ratio is below 10,000
or a score differs by more than 1e-4.
scikit-learn refits N times in a bare loop (no pipeline, no joblib: its fastest way), one thread. CPU time on both sides.
"""
import argparse
import json
import os
import subprocess
import sys
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

DEBIAN = "/usr/bin/python3"  # the one that python3-sklearn belongs to
try:
    import numpy  # noqa: E402
    import sklearn  # noqa: E402, F401
except ImportError:
    if os.path.realpath(sys.executable) == os.path.realpath(DEBIAN):
        sys.exit("scikit-learn is missing: apt-get install python3-sklearn")
    os.execv(DEBIAN, [DEBIAN] + sys.argv)
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.linear_model import HuberRegressor  # noqa: E402

warnings.filterwarnings("ignore", category=ConvergenceWarning)
warnings.filterwarnings("ignore", category=RuntimeWarning)


def refits(X, y, epsilon, tol):
    """Mean absolute leave-one-out error by N refits."""
    rows = numpy.arange(len(y))
    errors = []
    for i in rows:
        rest = rows != i
        model = HuberRegressor(epsilon=epsilon, alpha=0.0, max_iter=1000, tol=tol).fit(X[rest], y[rest])
        errors.append(abs(y[i] - model.predict(X[i:i + 1])[0]))
    return float(numpy.mean(errors))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--subsets", type=int, default=20, help="random ones, and as many good ones")
    parser.add_argument("--epsilon", type=float, default=1.35)
    parser.add_argument("--tables", nargs="+", default=["TWC-51", "OCM-171", "OCM-376"])
    arguments = parser.parse_args()
    print(f"{'table':8} {'rows':>4} {'subsets':>11} {'scikit-learn':>14} {'ours':>10} {'ours of many':>13} "
          f"{'ratio':>8} {'of many':>8} {'disagreement: median':>21} {'largest':>8}")
    least, worst = float("inf"), 0.0
    for table in arguments.tables:
        ours = json.loads(subprocess.run(
            [os.path.join(arguments.bin, "loo_subsets"), table, str(arguments.subsets), str(arguments.epsilon)],
            check=True, capture_output=True, text=True).stdout)
        y = numpy.array(ours["y"])
        for kind in ours["kinds"]:
            theirs, differences = [], []
            for subset in kind["subsets"]:
                X = numpy.array(subset["columns"]).T.copy()
                start = time.process_time()
                mae = refits(X, y, arguments.epsilon, 1e-5)
                theirs.append(time.process_time() - start)
                differences.append(abs(subset["mae_cv"] / mae - 1.0))
            seconds = float(numpy.mean(theirs))
            ratio, of_many = seconds / kind["seconds"], seconds / kind["seconds_of_many"]
            least, worst = min(least, ratio, of_many), max(worst, max(differences))
            print(f"{table:8} {len(y):4} {len(theirs):4} {kind['kind']:6} {1e3 * seconds:11.1f} ms "
                  f"{1e6 * kind['seconds']:7.2f} us {1e6 * kind['seconds_of_many']:10.2f} us {ratio:8,.0f} {of_many:8,.0f} "
                  f"{numpy.median(differences):21.1e} {max(differences):8.1e}", flush=True)
    print(f"least ratio of means {least:,.0f} (wanted: 10,000), largest disagreement {worst:.1e} (wanted: 1e-4 at most)")
    return 0 if least >= 10000 and worst <= 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
