"""Rivals that a first batch cannot tell from the truth are eliminated by the ledger, and the truth stays: a short form of
tests/benchmark/campaigns.py --only rivals."""
import sys
import tempfile
import unittest

import planted_rivals

BIN = sys.argv[1]


class PlantedRivals(unittest.TestCase):
    def test_the_truth_stays_and_the_rivals_go(self):
        with tempfile.TemporaryDirectory() as folder:
            rivals = planted_rivals.Rivals(BIN, folder, 1)
            try:
                true, *planted = rivals.play(4).values()
            finally:
                rivals.stop()
        self.assertEqual(true, "alive")
        self.assertGreaterEqual(len(planted), 2, "the first model believes rivals")
        self.assertEqual(set(planted), {"eliminated"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
