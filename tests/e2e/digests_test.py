"""The same data, settings and seed give the same model and the same proposals as they always did.

The digests below are of the release before the rooms were rebuilt (0.1.0). A change of them needs its reason here:
- OCM-171: the probability of the noise test (noise.p) comes from Boost.Math; its last two digits differ.
- models: the default search ends when more of it does not change what the ensemble predicts (it does a tenth of the work), the scan's best
  sixteen are decided in 64 bits, and forests add up by rank.
- size chosen: since sizes are compared by one forward search a fold (core/selection/search/forward.h).
- proposals: the plan tells the verdict on its model, as a member and as its first note; the rest is the same.

Usage: digests_test.py BIN SOURCE SHARED_DATA [--print]
"""
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest

BIN, SOURCE, SHARED = sys.argv[1:4]
KASETSU = os.path.join(BIN, "kasetsu")
CATALYSTS = os.path.join(SHARED, "catalysts")
DIGESTS = os.path.join(SOURCE, "tests", "data", "digests.json")
# What tells of the program and the moment, not of the result.
NOT_COMPARED = {"code_version", "cpu_seconds", "wall_seconds", "peak_rss_bytes"}


def run(*arguments):
    result = subprocess.run([KASETSU, *arguments], capture_output=True, text=True, timeout=900, check=False)
    if result.returncode != 0:
        raise AssertionError(result.stderr)
    return result.stdout


def digest(document):
    """Of all numbers to the last bit: JSON writes a double in the shortest form that gives it back."""
    kept = {key: value for key, value in document.items() if key not in NOT_COMPARED}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def model(table, target, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        run("fit", os.path.join(CATALYSTS, table), "--target", target, "--seed", "7", "--model", path, *options)
        with open(path, encoding="utf-8") as file:
            return digest(json.load(file))


def proposals():
    return digest(json.loads(run(
        "recommend", "--campaign", os.path.join(SOURCE, "config", "campaigns", "ocm.toml"), "--data",
        os.path.join(CATALYSTS, "ocm_slots_376.csv"), "--target", "Measured C2 yield (%)", "--time-limit", "3", "--batch", "12",
        "--seed", "7", "--json")))


CASES = {
    "model of OCM-171": lambda: model("afe_ocm_171.csv", "C2y", "--size", "8"),
    "model of TWC-51, size chosen": lambda: model("afe_twc_51.csv", "T50(NO)"),
    "model of TWC-51": lambda: model("afe_twc_51.csv", "T50(NO)", "--size", "8"),
    "proposals of the campaign ocm": proposals,
}


class Digests(unittest.TestCase):
    def test_same_as_ever(self):
        if not os.path.isdir(CATALYSTS):
            if os.environ.get("CI") == "true":
                self.fail(f"missing in CI: {CATALYSTS}")
            self.skipTest(f"not on this machine: {CATALYSTS}")
        with open(DIGESTS, encoding="utf-8") as file:
            known = json.load(file)
        self.assertEqual(set(known), set(CASES))
        for name, compute in CASES.items():
            with self.subTest(name):
                self.assertEqual(compute(), known[name])


if __name__ == "__main__":
    if "--print" in sys.argv:
        print(json.dumps({name: compute() for name, compute in CASES.items()}, indent=1))
    else:
        unittest.main(argv=sys.argv[:1], verbosity=2)
