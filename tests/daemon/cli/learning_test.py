"""The commands that learn from files, through the real program."""
import json
import os
import pathlib
import pty
import random
import signal
import subprocess
import time
import unittest

from made_up import SMALL_ELEMENTS, alloys, read_csv
from program import KASETSU, ProgramTest


class Fit(ProgramTest):
    def setUp(self):
        super().setUp()
        self.elements = self.file("e.csv", SMALL_ELEMENTS)
        self.data = self.file("alloys.csv", alloys())
        self.common = ["--target", "activity", "--elements", self.elements, "--size", "2", "--hypotheses", "5"]

    def fit(self, *extra):
        return self.json("fit", self.data, *self.common, *extra)

    def test_finds_what_was_put_in(self):
        answer = self.fit("--method", "afe", "--order", "0", "--normalize", "dataset")
        for key in ("hypotheses", "n_samples", "n_descriptors", "evaluations", "cpu_seconds", "wall_seconds"):
            self.assertIn(key, answer)
        best = answer["hypotheses"][0]
        self.assertIn("radius_avg", best["descriptors"])
        self.assertLess(best["mae_cv"], 1.0)
        self.assertEqual(answer["n_samples"], 36)
        # The same descriptors through `loo` give the same numbers.
        again = self.json("loo", self.data, "--target", "activity", "--elements", self.elements, "--method", "afe",
                          "--normalize", "dataset", "--descriptors", *best["descriptors"])
        self.assertAlmostEqual(again["mae_cv"], best["mae_cv"], delta=1e-9)
        self.assertAlmostEqual(again["mae_train"], best["mae_train"], delta=1e-9)
        self.assertAlmostEqual(again["intercept"], best["intercept"], delta=1e-6 * abs(best["intercept"]))

    def test_same_seed_same_answer_whatever_the_threads(self):
        answers = [self.fit("--search", method, "--population", "60", "--generations", "15", "--seed", "7", "--threads", n,
                            "--model", f"{method}{n}.model", "--order", "0")
                   for method in ("exchange", "genetic") for n in (1, 2)]
        for one, two in (answers[:2], answers[2:]):
            self.assertNotEqual(one["stopped_by"], "time")
            self.assertEqual(one["hypotheses"], two["hypotheses"])
        for method in ("exchange", "genetic"):
            self.assertEqual((self.folder / f"{method}1.model").read_bytes(), (self.folder / f"{method}2.model").read_bytes())

    def test_predict(self):
        self.fit("--model", "m.model")
        answer = self.json("predict", "m.model", self.data)
        rows = answer["predictions"]
        self.assertEqual([row["id"] for row in rows], [f"c{i}" for i in range(36)])
        self.assertTrue(all(row["low"] <= row["mean"] <= row["high"] and row["novelty"] == 0 for row in rows))
        measured = self.json("predict", "m.model", self.data, "--target", "activity")
        self.assertLess(measured["mae"], 3.0)
        self.ok("predict", "m.model", self.data, "--out", "p.csv")
        header, lines = read_csv(self.folder / "p.csv")
        self.assertEqual(header, ["id", "mean", "low", "high", "novelty"])
        self.assertEqual([float(line[1]) for line in lines], [row["mean"] for row in rows])
        self.assertIn("W", self.refused(65, "predict", "m.model", self.file("w.csv", "Pd,Au\n1,1\n")) + "W")
        self.refused(65, "predict", self.data, self.data)
        self.refused(65, "predict", self.file("broken.model", (self.folder / "m.model").read_text()[:-40]), self.data)

    def test_predict_reads_a_support_alone_as_what_the_model_learnt(self):
        rows = "".join(f"{metal}/{support},{i + 2 * j}\n" for i, metal in enumerate(["Ni", "Co", "Fe", "Cu"])
                       for j, support in enumerate(["SiO2", "TiO2"]))
        self.ok("fit", self.file("s.csv", "catalyst,y\n" + rows), "--target", "y", "--size", "1", "--order", "0", "--model", "s.model")
        for names in (["TiO2", "SiO2"], ["TiO2"], ["Ni/TiO2", "SiO2"], ["Mn/ZrO2", "ZrO2"]):
            with self.subTest(names=names):
                told = self.ok("predict", "s.model", self.file("p.csv", "catalyst\n" + "\n".join(names) + "\n")).stdout
                for name in names:
                    self.assertIn(name if "/" in name else f"bare {name}", told)

    def test_a_condition_at_one_value_is_told(self):
        rows = "".join(f"{metal}/{support},{i + 2 * j},700\n" for i, metal in enumerate(["Ni", "Co", "Fe", "Cu"])
                       for j, support in enumerate(["SiO2", "TiO2"]))
        one = self.file("one.csv", "catalyst,y,T\n" + rows)
        two = self.file("two.csv", "catalyst,y,T\n" + rows.replace("700", "800", 3))
        note = "T is 700 in all that was measured"
        common = ["--target", "y", "--conditions", "T", "--size", "1", "--order", "0"]
        self.assertIn(note, self.ok("fit", one, *common).stderr)
        self.assertNotIn(note, self.ok("fit", two, *common).stderr)
        campaign = self.file("t.toml", """format = 1
name = "t"
[[targets]]
name = "y"
unit = ""
goal = "maximize"
[[space]]
kind = "slots"
slots = 1
none = false
repetition = false
elements = ["Co", "Cu", "Fe", "Ni"]
supports = ["SiO2", "TiO2"]
[conditions]
T = [700, 800]
[model]
size = 1
[planner]
batch = 2
""")
        for data, told in ((one, True), (two, False)):
            notes = self.json("recommend", "--campaign", campaign, "--data", data)["notes"]
            self.assertEqual(any(note in sentence for sentence in notes), told, notes)

    def test_the_honest_error_and_the_parts_are_told(self):
        common = ["--target", "activity", "--elements", self.elements, "--hypotheses", "5"]
        answer = self.json("fit", self.data, *common, "--model", "m.model", "--order", "0")
        # So many catalysts bear six descriptors at most, and not the paper's eight without a look.
        self.assertEqual([tried["size"] for tried in answer["sizes_tried"]], [2, 3, 4, 6])
        self.assertIn(answer["size"], [2, 3, 4, 6])
        parts = answer["parts"]
        self.assertEqual(parts[0]["name"], "hypotheses")
        self.assertAlmostEqual(sum(part["weight"] for part in parts), 1.0, delta=1e-9)
        self.assertGreater(answer["mae_honest"], 0)
        self.assertGreaterEqual(answer["noise"]["pure_df"], 0)
        text = self.ok("fit", self.data, *self.common).stdout
        self.assertIn("on rows not seen", text)
        self.assertLess(text.index("on rows not seen"), text.index("leave-one-out"), "the honest number comes first")

    def test_replicates_give_the_pure_error(self):
        lines = alloys().splitlines()
        head, *cells = [line.split(",") for line in lines]
        target = head.index("activity")
        twice = []
        for i, row in enumerate(cells[:12]):
            again = list(row)
            again[0] = f"again{i}"
            again[target] = str(float(row[target]) + (2.0 if i % 2 else -2.0))
            twice.append(",".join(again))
        data = self.file("twice.csv", "\n".join(lines + twice) + "\n")
        noise = self.json("fit", data, *self.common)["noise"]
        self.assertGreaterEqual(noise["pure_df"], 12)
        self.assertGreater(noise["pure_sd"], 1.0)
        self.assertTrue(0.0 <= noise["p"] <= 1.0)
        self.assertIn("lack of fit", self.ok("fit", data, *self.common).stdout)

    def test_predict_explains(self):
        self.fit("--model", "m.model")
        rows = self.json("predict", "m.model", self.data, "--explain")["predictions"]
        for row in rows:
            why = row["explanation"]
            self.assertAlmostEqual(sum(part["weight"] * part["says"] for part in why["parts"]), row["mean"], delta=1e-6)
            self.assertEqual(why["neighbours"][0]["distance"], 0)
            self.assertEqual(len(why["contributions"]), 2)
            self.assertLessEqual(why["agree"], why["hypotheses"])
        text = self.ok("predict", "m.model", self.data, "--explain").stdout
        for words in ("measured nearby", "hypotheses predict inside the interval", "for a usual catalyst"):
            self.assertIn(words, text)

    def test_bench(self):
        answer = self.json("bench", "loo", self.data, "--target", "activity", "--elements", self.elements, "--subsets", "200",
                           "--size", "3")
        self.assertGreater(answer["subsets_per_cpu_second"], 0)
        self.assertEqual((answer["n_samples"], answer["subsets"]), (36, 200))
        self.assertLessEqual(answer["mae_cv_best"], answer["mae_cv_mean"])

    def test_refusals(self):
        self.assertIn("size", self.refused(2, "fit", self.data, *self.common[:4], "--size", "99"))
        self.assertIn("alpha", self.refused(2, "fit", self.data, *self.common, "--epsilon", "1", "--alpha", "0.1"))
        few = self.file("few.csv", "Pd,Rh,y\n1,2,3\n2,1,4\n1,1,5\n")
        self.assertIn("few.csv", self.refused(65, "fit", few, "--target", "y", "--elements", self.elements))
        self.assertIn("--target", self.refused(2, "fit", self.data, "--elements", self.elements))

    def test_interrupt_is_clean(self):
        process = subprocess.Popen([KASETSU, "fit", self.data, "--target", "activity", "--time-limit", "600", "--model", "m.model"],
                                   cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(1.0)
        self.assertIsNone(process.poll(), "it should still be searching")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        self.assertEqual((process.returncode, out), (130, ""), err)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["alloys.csv", "e.csv"])

    def test_what_was_found_before_an_interrupt_is_kept_where_asked(self):
        process = subprocess.Popen([KASETSU, "fit", self.data, *self.common, "--time-limit", "600", "--model", "m.model", "--keep",
                                    "--json"],
                                   cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(1.0)
        self.assertIsNone(process.poll(), "it should still be searching")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assertIn("best that was found so far", err)
        found = json.loads(out)
        self.assertEqual(found["stopped_by"], "interrupted")
        self.assertEqual(len(self.json("predict", "m.model", self.data)["predictions"]), found["n_samples"])

    def test_keep_changes_nothing_of_a_search_that_ends_by_itself(self):
        models = []
        for name, more in (("a.model", []), ("b.model", ["--keep"])):
            self.fit("--model", name, *more)
            models.append((self.folder / name).read_bytes())
        self.assertEqual(*models)

    def test_somebody_who_waits_at_a_terminal_sees_a_first_result(self):
        ours, theirs = pty.openpty()
        process = subprocess.Popen([KASETSU, "fit", self.data, *self.common, "--json"], cwd=self.folder,
                                   stdout=subprocess.PIPE, stderr=theirs, text=True)
        os.close(theirs)
        shown = b""
        while True:
            try:
                more = os.read(ours, 4096)
            except OSError:  # a terminal whose last writer has gone
                break
            if not more:
                break
            shown += more
        out, _ = process.communicate(timeout=60)
        os.close(ours)
        self.assertEqual(process.returncode, 0)
        self.assertIn("first result after", shown.decode())
        found = json.loads(out)
        self.assertNotIn("first result", self.ok("fit", self.data, *self.common).stderr, "nobody waits")
        quiet = self.json("fit", self.data, *self.common)
        self.assertEqual(found["hypotheses"], quiet["hypotheses"], "what ends the search is the same")

    def test_outcomes_named_as_conditions_are_warned_of(self):
        data = self.file("d.csv", "Pd,Rh,T,y\n" + "".join(
            f"{i},{12 - i},{0 if i < 3 else 700 + 10 * i},{0 if i < 3 else i}\n" for i in range(1, 12)))
        done = self.ok("featurize", data, "--elements", self.elements, "--target", "y", "--conditions", "T", "--json")
        self.assertIn("outcome", done.stderr)
        self.assertIn("condition.T", json.loads(done.stdout)["names"])


class Tutorial(ProgramTest):
    def test_its_own_example_tells_the_truth_about_itself(self):
        page = (pathlib.Path(__file__).parents[3] / "docs" / "tutorial.md").read_text(encoding="utf-8")
        table = page.split("cat > own.csv <<'END'\n")[1].split("END\n")[0]
        answer = self.json("fit", self.file("own.csv", table), "--target", "C2 yield (%)", "--skip-rows-without-target",
                           "--model", "own.model")
        beginning, _, rest = answer["verdict"]["sentence"].partition(": errs ")
        self.assertIn("> " + beginning, page)
        advice = rest.split("). ")[1]
        self.assertIn(advice, page.replace("\n> ", " "))


class Replay(ProgramTest):
    def test_rounds(self):
        elements = self.file("e.csv", SMALL_ELEMENTS)
        data = self.file("alloys.csv", "\n".join(line.split(",", 1)[1] for line in alloys(80).splitlines()[1:]) + "\n")
        common = ["replay", data, "--columns", "Pd", "Rh", "Pt", "Fe", "Mn", "Mg", "Ti", "activity", "--target", "activity",
                  "--elements", elements, "--start", "10", "--batch", "5", "--rounds", "4"]
        answer = self.json(*common, "--seeds", "2")
        self.assertEqual([r["n"] for r in answer["rounds"]], [10, 15, 20, 25, 30])
        best = [r["best"] for r in answer["rounds"]]
        self.assertEqual(best, sorted(best))
        for r in answer["rounds"]:
            self.assertLessEqual({"n", "best", "hits", "mae_next", "recall_top1"}, set(r))
            self.assertTrue(0 <= r["recall_top1"] <= 1)
        # A linear truth is found by those who look for it.
        self.assertGreater(best[-1], answer["random"][-1]["best"] - 1e-9)
        least = [*common[:-1], "2", "--goal", "minimize", "--surrogate", "hypotheses", "--size", "2", "--hypotheses", "3",
                 "--order", "0", "--method", "afe", "--seed", "4"]
        low = self.json(*least)
        fall = [r["best"] for r in low["rounds"]]
        self.assertEqual(fall, sorted(fall, reverse=True))
        self.assertEqual(low["rounds"], self.json(*least, "--threads", "1")["rounds"])
        self.assertIn("start", self.refused(2, *common[:-6], "--start", "500"))

    def test_history_of_measured_batches(self):
        elements = self.file("e.csv", SMALL_ELEMENTS)
        header, *rows = alloys(60).splitlines()
        # The last batch comes first in the table; "10" follows "9".
        data = self.file("batches.csv", "\n".join([header + ",plate"] + [f"{row},{11 - i // 15}" for i, row in enumerate(rows)])
                         + "\n")
        common = ["replay", data, "--target", "activity", "--elements", elements, "--history", "--batches", "plate",
                  "--size", "2", "--hypotheses", "5", "--time-limit", "0.3"]
        answer = self.json(*common)
        self.assertEqual((answer["learnt_first"], [b["batch"] for b in answer["batches"]]), (15, ["9", "10", "11"]))
        for batch in answer["batches"]:
            self.assertEqual(batch["n"], 15)
            self.assertGreater(batch["mae"], 0)
            self.assertTrue(0 <= batch["held"] <= 1 and batch["width"] > 0)
        lines = answer["hypotheses"]
        self.assertTrue(any(len(line["errors"]) == 3 for line in lines), "hypotheses outlive a batch")
        self.assertEqual(sum(answer["states"].values()), len(lines))
        for line in lines:
            self.assertIn(line["state"], ("alive", "dormant", "eliminated", "dropped"))
            self.assertEqual(line["state"] == "eliminated", line["eliminated_by"] is not None)
        self.assertIn("word", answer["verdict"])
        again = self.json(*common, "--threads", "1")
        self.assertEqual(again["hypotheses"], lines)
        text = self.ok(*common).stdout
        self.assertIn("15 rows were learnt first", text)
        self.assertIn(", ".join(lines[0]["descriptors"]), text)
        self.refused(2, "replay", data, "--target", "activity", "--history")
        self.refused(2, *common, "--start", "10")
        one = self.file("one.csv", "\n".join([header + ",plate"] + [f"{row},1" for row in rows]) + "\n")
        self.assertIn("too few batches", self.refused(65, "replay", one, *common[2:]))


CAMPAIGN = """format = 1
name = "alloys"
[[targets]]
name = "activity"
unit = ""
goal = "maximize"
[[space]]
kind = "simplex"
step_at_percent = 10
min_elements = 1
max_elements = 3
elements = ["Pd", "Rh", "Pt", "Fe", "Mn", "Mg", "Ti"]
[model]
size = 2
hypotheses = 5
[planner]
batch = 6
"""


class Recommend(ProgramTest):
    def setUp(self):
        super().setUp()
        self.elements = self.file("e.csv", SMALL_ELEMENTS)
        self.data = self.file("alloys.csv", alloys())
        self.campaign = self.file("alloys.toml", CAMPAIGN)

    def recommend(self, *extra):
        return self.json("recommend", "--campaign", self.campaign, "--elements", self.elements, *extra)

    def test_a_model_that_is_no_better_than_the_median_exploits_nothing(self):
        header, rows = read_csv(self.data)
        values = [row[-1] for row in rows]
        random.Random(3).shuffle(values)
        noise = self.file("noise.csv", "\n".join(",".join(row) for row in
                                                 [header, *(row[:-1] + [value] for row, value in zip(rows, values))]) + "\n")
        answer = self.recommend("--data", noise, "--batch", "10", "--order", "0")
        self.assertEqual(answer["verdict"]["word"], "no_better_than_median")
        self.assertIn("Do not spend experiments on exploit", answer["notes"][0])
        self.assertTrue(any("places of exploit are given to explore" in note for note in answer["notes"]), answer["notes"])
        strategies = [p["strategy"] for p in answer["proposals"]]
        self.assertNotIn("exploit", strategies)
        self.assertEqual(strategies.count("explore"), 7)
        # A mix that the campaign sets is kept.
        self.campaign = self.file("asked.toml", CAMPAIGN + "mix = { exploit = 6 }\n")
        answer = self.recommend("--data", noise, "--order", "0")
        self.assertEqual({p["strategy"] for p in answer["proposals"]}, {"exploit"})

    def test_next_batch(self):
        answer = self.recommend("--data", self.data, "--batch", "8")
        self.assertEqual([p["rank"] for p in answer["proposals"]], list(range(1, 9)))
        keys = {p["key"] for p in answer["proposals"]}
        self.assertEqual(len(keys), 8)
        for p in answer["proposals"]:
            for key in ("strategy", "composition", "mean", "low", "high", "novelty", "reason"):
                self.assertIn(key, p)
            self.assertAlmostEqual(sum(p["composition"]["amounts"].values()), 1.0, delta=1e-9)
            self.assertTrue(p["reason"].endswith("."))
        # 7 single, 9 of each of 21 pairs, 36 of each of 35 triples on a grid of tenths
        self.assertEqual(answer["space_size"], 7 + 9 * 21 + 36 * 35)
        self.assertGreater(answer["peak_rss_bytes"], 1_000_000)
        for key in ("evaluated", "cpu_seconds", "wall_seconds"):
            self.assertIn(key, answer)
        # What was measured is proposed again only to be checked.
        measured = {tuple(row[1:-1]) for row in read_csv(self.data)[1]}
        header = read_csv(self.data)[0][1:-1]
        for p in answer["proposals"]:
            row = tuple(f"{p['composition']['amounts'].get(m, 0):.6f}" for m in header)
            again = row in {tuple(f"{float(x):.6f}" for x in m) for m in measured}
            self.assertEqual(again, p["strategy"] == "recheck", p)
        self.assertEqual(answer["proposals"], self.recommend("--data", self.data, "--batch", "8", "--threads", "1")["proposals"])

    def test_with_a_model_file_and_without_data(self):
        self.ok("fit", self.data, "--target", "activity", "--elements", self.elements, "--size", "2", "--hypotheses", "5",
                "--model", "m.model")
        answer = self.recommend("--data", self.data, "--model", "m.model")
        self.assertEqual(len(answer["proposals"]), 6)
        first = self.recommend()
        self.assertEqual(len(first["proposals"]), 6)
        self.assertTrue(all(p["mean"] is None for p in first["proposals"]))

    def test_cards_plates_and_budgets(self):
        campaign = self.file("plate.toml", CAMPAIGN.replace("[planner]", """[materials]
sample_mass_g = 0.2
amounts = "mole_fraction"
batch_price = 10
[[materials.items]]
element = "Pt"
price_per_g = 30
stock_g = 0.1
[[materials.items]]
element = "Rh"
price_per_g = 150
[plate]
channels = 9
blanks = 1
references = 2
[planner]"""))
        answer = self.json("recommend", "--campaign", campaign, "--elements", self.elements, "--data", self.data)
        self.assertEqual(len(answer["proposals"]), 6)
        weight = {"Pd": 106.42, "Rh": 102.9055, "Pt": 195.084, "Fe": 55.845, "Mn": 54.938, "Mg": 24.305, "Ti": 47.867}
        price = platinum = 0.0
        for p in answer["proposals"]:
            amounts = p["composition"]["amounts"]
            whole = sum(n * weight[m] for m, n in amounts.items())
            gram = {m: 0.2 * n * weight[m] / whole for m, n in amounts.items()}
            price += 30 * gram.get("Pt", 0) + 150 * gram.get("Rh", 0)
            platinum += gram.get("Pt", 0)
            for key in ("runner_up", "nearest", "distance", "drivers", "nearly_excluded_by", "proven"):
                self.assertIn(key, p)
            self.assertLessEqual(len(p["drivers"]), 3)
        self.assertLessEqual(price, 10.001)
        self.assertLessEqual(platinum, 0.10001)
        plate = answer["plate"]
        self.assertEqual([place["channel"] for place in plate], list(range(1, 10)))
        self.assertEqual(sorted(place["sample"] for place in plate), ["blank"] + ["proposal"] * 6 + ["reference"] * 2)
        self.assertEqual(sorted(place["rank"] for place in plate if "rank" in place), list(range(1, 7)))

    def test_batches_are_told_apart(self):
        with open(self.data, encoding="utf-8") as file:
            lines = [line for line in file.read().split("\n") if line]
        rows = [lines[0] + ",plate"]
        for i, line in enumerate(lines[1:]):
            head, value = line.rsplit(",", 1)
            rows.append(f"{head},{float(value) + (0 if i % 2 else 5)},{'b' if i % 2 else 'a'}")
        for i, line in enumerate(lines[1:9]):  # bridges
            head, value = line.rsplit(",", 1)
            rows += [f"{head},{float(value) + 5 + 0.01 * i},a", f"{head},{float(value) - 0.01 * i},b"]
        data = self.file("plates.csv", "\n".join(rows) + "\n")
        fit = ("fit", data, "--target", "activity", "--elements", self.elements, "--size", "2", "--hypotheses", "5",
               "--time-limit", "1")
        drifting = self.json(*fit)
        told = self.json(*fit, "--batches", "plate")
        self.assertIsNone(drifting["batch_offsets"])
        offsets = {b["batch"]: b["offset"] for b in told["batch_offsets"]["batches"]}
        self.assertAlmostEqual(offsets["a"] - offsets["b"], 5, delta=0.2)
        self.assertLess(told["batch_offsets"]["p"], 1e-6)
        self.assertLess(told["hypotheses"][0]["mae_cv"], 0.5 * drifting["hypotheses"][0]["mae_cv"])
        self.assertIn("offset", self.ok(*fit, "--batches", "plate").stdout)
        self.assertIn("palte", self.refused(65, *fit, "--batches", "palte"))

    def test_several_targets(self):
        with open(self.data, encoding="utf-8") as file:
            lines = file.read().split("\n")
        rows = [lines[0] + ",stability"]
        for i, line in enumerate(lines[1:]):
            if line:
                rows.append(f"{line},{'' if i % 5 == 0 else 100 - float(line.split(',')[-1]) + i % 3}")
        both = self.file("both.csv", "\n".join(rows) + "\n")
        with open(self.campaign, encoding="utf-8") as file:
            text = file.read()
        campaign = self.file("both.toml", text.replace(
            "[[space]]", '[[targets]]\nname = "stability"\nunit = "h"\ngoal = "maximize"\n\n[[space]]', 1))
        base = ("recommend", "--campaign", campaign, "--elements", self.elements, "--batch", "6")
        answer = self.json(*base, "--data", both)
        for proposal in answer["proposals"]:
            self.assertEqual([t["target"] for t in proposal["targets"]][1:], ["stability"])
            self.assertEqual(proposal["targets"][0]["mean"], proposal["mean"])
            self.assertLess(proposal["targets"][1]["low"], proposal["targets"][1]["high"])
        self.assertTrue(any("front of 2 targets" in p["reason"] for p in answer["proposals"]))
        self.assertGreater(len(answer["front"]), 1)
        for a in answer["front"]:
            for b in answer["front"]:
                self.assertFalse(all(b["values"][k] > a["values"][k] for k in a["values"]))
        # Without the second target's column the first one is planned for, and it says so.
        alone = self.json(*base, "--data", self.data)
        self.assertTrue(any("has no model yet" in note for note in alone["notes"]))

    def test_candidates_explain(self):
        campaign = self.file("rules.toml", CAMPAIGN + """[[rules]]
name = "little platinum"
share_of = ["Pt"]
at_most = 0.2
[[rules]]
name = "no manganese"
forbid_elements = ["Mn"]
""")
        answer = self.json("candidates", "explain", "--campaign", campaign, "Pt:0.5;Mn:0.5", "Pt:0.2;Pd:0.8", "Au:1")
        self.assertEqual(answer["space_size"], 7 + 9 * 21 + 36 * 35)
        # Manganese: alone, in 6 pairs of 9, in 15 triples of 36.
        removed = {rule["rule"]: rule["removed"] for rule in answer["rules"]}
        self.assertEqual(removed["no manganese"], 1 + 9 * 6 + 36 * 15)
        # Platinum above 20 %: alone, 7 of 9 in 6 pairs, 3 to 8 tenths beside two others in 15 triples.
        self.assertEqual(removed["little platinum"], 1 + 7 * 6 + sum(10 - n - 1 for n in range(3, 9)) * 15)
        broken, near, outside = answer["candidates"]
        self.assertFalse(broken["allowed"])
        self.assertEqual(len(broken["broken"]), 2)
        self.assertTrue(near["allowed"])
        self.assertIn("little platinum", near["nearly"][0])
        self.assertFalse(outside["in_space"])
        text = self.ok("candidates", "explain", "--campaign", campaign, "Pt:0.5;Mn:0.5").stdout
        self.assertIn("holds Mn, which is forbidden", text)

    def test_refusals(self):
        base = ["recommend", "--campaign", self.campaign, "--elements", self.elements]
        self.assertIn("activity", self.refused(65, *base, "--data", self.file("d.csv", "Pd,Rh,y\n1,2,3\n")))
        wrong = self.file("wrong.toml", CAMPAIGN.replace('"Ti"', '"Xx"'))
        message = self.refused(65, "recommend", "--campaign", wrong, "--data", self.data)
        for part in ("wrong.toml:12", "Xx"):
            self.assertIn(part, message)
        self.refused(2, *base, "--model", "m.model")


if __name__ == "__main__":
    unittest.main(verbosity=2)
