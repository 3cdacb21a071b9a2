"""The simulated rig: 20 channels, a sweep, and all that goes wrong in one, the same with the same seed."""
import os
import sys
import unittest

SOURCE = sys.argv[1]
sys.path.insert(0, os.path.join(SOURCE, "drivers", "virtual_lab"))
import virtual_lab  # noqa: E402  (it lies in a folder that is no package)


class Ledger:
    """In place of the client: keeps what is posted."""

    def __init__(self):
        self.posts = []

    def claim(self, proposal, lease_s=0):
        return {}

    def post_measurements(self, campaign, source, run, rows, key=None, revise=False):
        self.posts.append((run, rows, revise))
        return {"rows": [{"verdict": "accepted"} for _ in rows]}


PROPOSALS = [{"id": f"P{i}", "catalyst": {"key": f"Li:{1 + i % 2};{m}:1/MgO"}}
             for i, m in enumerate(["Na", "K", "Mn", "W", "La", "Ce", "Sr", "Ba", "Mg", "Ti"] * 2)]


def run(batches=1, **habits):
    ledger = Ledger()
    rig = virtual_lab.SweepRig(ledger, "ocm", virtual_lab.Twin(3), virtual_lab.Habits(**habits))
    for _ in range(batches):
        rig.batch(PROPOSALS)
    rig.finish()
    return ledger.posts, rig


def points(rows):
    return [(r["channel"], r["sequence"], r["replicate"], r["values"]["C2_yield_point"]) for r in rows if "sequence" in r]


class Pages:
    """In place of the client: a list of ingests in pages of two."""

    def __init__(self, ingests):
        self.ingests = ingests

    def request(self, method, path):
        at = int(path.partition("page_token=")[2] or 0)
        return {"ingests": self.ingests[at:at + 2],
                "next_page_token": str(at + 2) if at + 2 < len(self.ingests) else None}


class VirtualLab(unittest.TestCase):
    def test_runs_are_counted_over_all_pages(self):
        ingests = [{"source": source, "run": run} for source, run in
                   [("rig", "1"), ("rig", "1"), ("other", "1"), ("rig", "2"), ("rig", "3")]]
        for count in range(len(ingests) + 1):
            runs = {i["run"] for i in ingests[:count] if i["source"] == "rig"}
            self.assertEqual(virtual_lab.runs_so_far(Pages(ingests[:count]), "ocm", "rig"), len(runs))

    def test_a_row_is_of_the_catalyst_that_was_proposed(self):
        self.assertEqual(virtual_lab.row_catalyst("Li:1;Na:1/MgO|impregnated"),
                         {"slots": ["Li", "Na", "none"], "support": "MgO", "preparation": "impregnated"})
        self.assertEqual(virtual_lab.row_catalyst("Ni:0.5|50%25 air"), {"amounts": {"Ni": 0.5}, "preparation": "50% air"})
        self.assertEqual(virtual_lab.row_catalyst("Ni:0.5/SiO2"), {"amounts": {"Ni": 0.5}, "support": "SiO2"})

    def test_one_run_is_20_channels_by_216_conditions_by_2_replicates(self):
        posts, _ = run()
        self.assertEqual(len(posts), 20)
        self.assertEqual(sum(len(points(rows)) for _, rows, _ in posts), 8640)
        for _, rows, _ in posts:
            self.assertEqual(len({(r["sequence"], r["replicate"]) for r in rows if "sequence" in r}), 432)
            best = [r for r in rows if "sequence" not in r]
            self.assertEqual(len(best), 1)
            # The reported best is the largest mean of two replicates, and stands at its conditions.
            means = {}
            for r in rows:
                if "sequence" in r:
                    means.setdefault(tuple(r["conditions"].items()), []).append(r["values"]["C2_yield_point"])
            largest = max(sum(v) / len(v) for v in means.values())
            self.assertAlmostEqual(best[0]["values"]["C2_yield"], largest, places=3)
            at = means[tuple(best[0]["conditions"].items())]
            self.assertAlmostEqual(sum(at) / 2, largest, places=3)

    def test_the_same_seed_goes_wrong_in_the_same_way(self):
        habits = {"sweep": 12, "late": 0.3, "repeat": 0.3, "correct": 0.3, "drift": 0.1, "dead_channel": 4}
        self.assertEqual(run(3, seed=5, **habits)[0], run(3, seed=5, **habits)[0])
        self.assertNotEqual(run(3, seed=5, **habits)[0], run(3, seed=6, **habits)[0])

    def test_late_tables_come_after_the_next_batch_and_none_is_lost(self):
        posts, rig = run(3, sweep=3, late=0.4)
        self.assertGreater(rig.counts["late"], 5)
        self.assertEqual(len(posts), 60)
        self.assertEqual(len({(r, rows[0]["channel"]) for r, rows, _ in posts}), 60)
        order = [name for name, _, _ in posts]
        self.assertNotEqual(order, sorted(order))

    def test_repeats_are_equal_and_corrections_say_so(self):
        posts, rig = run(2, sweep=3, repeat=0.5)
        self.assertEqual(len(posts), 40 + rig.counts["repeated"])
        self.assertGreater(rig.counts["repeated"], 5)
        for before, after in zip(posts, posts[1:]):
            if before[0] == after[0] and before[1][0]["channel"] == after[1][0]["channel"]:
                self.assertEqual(before, after)
        posts, rig = run(2, sweep=3, correct=0.5)
        corrected = [p for p in posts if p[2]]
        self.assertEqual(len(corrected), rig.counts["corrected"])
        self.assertGreater(len(corrected), 5)
        for name, rows, _ in corrected:
            first = next(p for p in posts if p[0] == name and p[1][0]["channel"] == rows[0]["channel"])
            self.assertEqual([p[:3] for p in points(first[1])], [p[:3] for p in points(rows)])
            self.assertNotEqual(points(first[1]), points(rows))

    def test_a_dead_channel_reports_next_to_nothing_and_drift_takes_its_share(self):
        def best(posts):
            return {rows[0]["channel"]: next(r["values"]["C2_yield"] for r in rows if "sequence" not in r)
                    for _, rows, _ in posts}
        fine = best(run()[0])
        dead = best(run(dead_channel=7)[0])
        self.assertLess(dead["7"], 0.02 * fine["7"] + 0.05)
        self.assertEqual({c: v for c, v in dead.items() if c != "7"}, {c: v for c, v in fine.items() if c != "7"})
        drifted = best(run(drift=0.5)[0])
        self.assertEqual(drifted["1"], fine["1"])
        self.assertAlmostEqual(drifted["20"] / fine["20"], 0.5, delta=0.01)


if __name__ == "__main__":
    unittest.main(argv=["virtual_lab_test.py"], verbosity=2)
