"""The baselines of validation beside scikit-learn's on the same made-up rows. Skipped without scikit-learn
(python3-sklearn): exit code 77."""
import os
import subprocess
import sys
import unittest
import warnings

try:
    import numpy as np
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
    from sklearn.linear_model import HuberRegressor, Ridge
    from sklearn.preprocessing import StandardScaler
except ImportError:
    print("scikit-learn is not here: skipped")
    sys.exit(77)

PROGRAM = os.environ["BASELINES_PROGRAM"]


def made_up(seed, rows, noise=0.3):
    random = np.random.default_rng(seed)
    X = random.uniform(size=(rows, 6))
    y = 4 * X[:, 0] + np.sin(5 * X[:, 1]) + 2 * (X[:, 2] > 0.5) + noise * random.normal(size=rows)
    return X, y


def ours(method, parameter, X, y, F):
    text = [f"{method} {parameter!r} {X.shape[1]} {len(X)} {len(F)}"]
    text += [" ".join(repr(float(v)) for v in row) for row in np.column_stack([X, y])]
    text += [" ".join(repr(float(v)) for v in row) for row in F]
    done = subprocess.run([PROGRAM], input="\n".join(text), capture_output=True, text=True, check=True)
    return np.array([float(v) for v in done.stdout.split()])


class Baselines(unittest.TestCase):
    def test_ridge_is_the_same(self):
        X, y = made_up(1, 60)
        F, _ = made_up(2, 40)
        for alpha in (0.1, 1.0, 30.0):
            scaler = StandardScaler().fit(X)
            theirs = Ridge(alpha=alpha).fit(scaler.transform(X), y).predict(scaler.transform(F))
            self.assertLess(np.abs(ours("ridge", alpha, X, y, F) - theirs).max(), 1e-8)

    def test_huber_is_the_same_where_theirs_converges(self):
        X, y = made_up(3, 80)
        y[::10] += 8
        F, _ = made_up(4, 40)
        scaler = StandardScaler().fit(X)
        theirs = HuberRegressor(epsilon=1.35, alpha=0.0, max_iter=10000, tol=1e-10)
        predicted = theirs.fit(scaler.transform(X), y).predict(scaler.transform(F))
        self.assertLess(np.abs(ours("huber", 1.35, X, y, F) - predicted).max(), 1e-3)

    def test_forest_errs_alike(self):
        errors = []
        for seed in range(5):
            X, y = made_up(10 + seed, 150)
            F, truth = made_up(20 + seed, 400, noise=0.0)
            theirs = RandomForestRegressor(300, random_state=seed, max_features=1.0).fit(X, y).predict(F)
            mine = ours("forest", 1.0, X, y, F)
            errors.append((np.abs(mine - truth).mean(), np.abs(theirs - truth).mean()))
            # Two forests of the same kind: nearer to one another than either is to the truth.
            self.assertLess(np.abs(mine - theirs).mean(), 0.5 * np.abs(theirs - truth).mean())
        mine, theirs = np.mean(errors, axis=0)
        self.assertLess(abs(mine - theirs), 0.05 * theirs)

    def test_gaussian_process_errs_no_more(self):
        warnings.filterwarnings("ignore")
        for seed in range(3):
            X, y = made_up(30 + seed, 80)
            F, truth = made_up(40 + seed, 200, noise=0.0)
            kernel = ConstantKernel() * RBF() + WhiteKernel()
            theirs = GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=2, random_state=0)
            error = np.abs(theirs.fit(X, y).predict(F) - truth).mean()
            self.assertLess(np.abs(ours("process", 0.0, X, y, F) - truth).mean(), 1.1 * error)


if __name__ == "__main__":
    unittest.main()
