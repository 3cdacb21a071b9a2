"""Rival hypotheses through the daemon: a laboratory whose truth is a known formula over real elements, and a first batch of
catalysts that were chosen so that other formulas explain it as well. What is measured later tells them apart.

One seed: a truth 50 + 10 z(t) with noise of standard deviation 2, t a property of the elements (an average over the catalyst), z
its standardised value over all catalysts of three elements; the rivals are properties that go with t over these no more than
loosely, and over the first catalysts as if they were t. 400 catalysts drawn at random are the campaign's space. The daemon learns hypotheses of one descriptor each, so that a formula is a hypothesis.
"""
import csv
import itertools
import os
import random
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
for folder in ("virtual_lab", "client"):
    sys.path.insert(0, os.path.join(ROOT, "drivers", folder))
import virtual_lab  # noqa: E402
from demo import Daemon  # noqa: E402
from kasetsu_client import Client  # noqa: E402

ELEMENTS = ["Li", "Na", "Mg", "Al", "K", "Ca", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Sr", "Y", "Zr", "Nb", "Mo",
            "Ba", "La", "Ce", "W"]
POOL, FIRST, BATCH, RIVALS, NOISE = 400, 30, 20, 2, 2.0
PATIENCE_S = 300 * int(os.environ.get("KASETSU_PATIENCE", "1"))
CAMPAIGN = """format = 1
name = "rivals"
[[targets]]
name = "activity"
unit = ""
goal = "maximize"
[[space]]
kind = "list"
catalysts = [{catalysts}]
[model]
method = "afe"
order = 0
size = 1
search = "genetic"
hypotheses = 20
seed = {seed}
time_limit_s = 0.2
[planner]
batch = 20
[retrain]
when = "by_hand"
"""


def correlation(a, b):
    return statistics.fmean(x * y for x, y in zip(a, b))  # of standardised columns


def standardised(values):
    mean, spread = statistics.fmean(values), statistics.pstdev(values)
    return [(value - mean) / spread for value in values] if spread > 0 else None


class Laboratory:
    """The truth, its rivals, the first catalysts and the space of one seed."""
    property = "activity"

    def __init__(self, program, folder, seed):
        draw = random.Random(seed)
        self.keys = [";".join(f"{m}:{slots.count(m)}" for m in sorted(set(slots)))
                     for slots in itertools.combinations_with_replacement(ELEMENTS, 3)]
        columns = self.columns(program, folder)
        names = sorted(columns)
        while True:
            self.true = draw.choice([name for name in names if name.endswith("_avg")])
            truth = columns[self.true]
            likeness = {name: correlation(truth, columns[name]) for name in names if name != self.true}
            # Nobody could tell a twin of the truth from it.
            loose = [name for name in names if name != self.true and 0.3 <= likeness[name] <= 0.7]
            if len(loose) >= RIVALS and max(map(abs, likeness.values())) < 0.97:
                break
        self.rivals = draw.sample(loose, RIVALS)
        self.value = {key: 50.0 + 10.0 * z for key, z in zip(self.keys, truth)}
        apart = [max(abs(columns[name][i] - truth[i]) for name in self.rivals) for i in range(len(self.keys))]
        nearest = sorted(range(len(self.keys)), key=lambda i: apart[i])
        self.first = [self.keys[i] for i in nearest[:FIRST]]
        self.space = draw.sample([self.keys[i] for i in nearest[FIRST:]], POOL)
        self.seed = seed

    def columns(self, program, folder):
        """Standardised values over all catalysts of every property that the daemon will be offered, by its name."""
        table, out = os.path.join(folder, "catalysts.csv"), os.path.join(folder, "descriptors.csv")
        with open(table, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(ELEMENTS)
            for key in self.keys:
                amounts, _ = virtual_lab.parse_key(key)
                writer.writerow([amounts.get(element, 0) for element in ELEMENTS])
        done = subprocess.run([program, "featurize", table, "--method", "afe", "--order", "0", "--out", out],
                              check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        with open(out, encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        found = {}
        for j, name in enumerate(header):
            try:
                values = standardised([float(row[j]) for row in rows])
            except ValueError:
                continue  # the catalysts' names
            if values and name.rsplit("_", 1)[-1] in ("min", "max", "avg", "gmean"):
                found[name] = values
        return found

    def measure(self, key, replicate=0):
        return round(self.value[key] + random.Random(f"{self.seed}|{key}|{replicate}").gauss(0.0, NOISE), 3), {}


class Rivals:
    """A campaign on a daemon of its own."""

    def __init__(self, programs, folder, seed):
        self.laboratory = Laboratory(os.path.join(programs, "kasetsu"), folder, seed)
        self.daemon = Daemon(os.path.join(programs, "kasetsud"), folder, 1)
        self.client = Client(self.daemon.url, client="rig")
        keys = ", ".join(f'"{key}"' for key in self.laboratory.space)
        self.client.apply_campaign(CAMPAIGN.format(catalysts=keys, seed=seed))
        self.rig = virtual_lab.Rig(self.client, "rivals", self.laboratory)

    def finish(self, answer):
        """Waits for the job that an answer tells of, if any."""
        job = answer.get("job")
        if job is None:
            return
        deadline = time.monotonic() + PATIENCE_S
        while job["state"] not in ("COMPLETED", "FAILED", "CANCELLED", "SKIPPED"):
            if time.monotonic() > deadline:
                raise AssertionError(f"it takes too long: {job}")
            time.sleep(0.05)
            job = self.client.job(job["id"])
        if job["state"] != "COMPLETED":
            raise AssertionError(f"{job['kind']} ended as {job['state']}: {job}")

    def retrain(self):
        answer = self.client.retrain("rivals")
        self.finish(answer if "job" in answer else {"job": answer})

    def proposals(self):
        answer = self.client.recommend("rivals", BATCH)
        self.finish(answer)
        return answer["proposals"] or self.client.proposals("rivals")

    def alive(self):
        """Names of the descriptors of the hypotheses in the current model."""
        model = self.client.model("rivals", "current")["document"]
        return {hypothesis["descriptors"][0] for hypothesis in model["hypotheses"]}

    def play(self, batches):
        """{descriptor: state} of the truth and of the rivals that the first model took for true, after so many batches."""
        self.client.post_measurements("rivals", "rig-0", "first", [
            {"catalyst": virtual_lab.row_catalyst(key), "values": {"activity": self.laboratory.measure(key)[0]}}
            for key in self.laboratory.first])
        self.retrain()
        planted = [name for name in self.laboratory.rivals if name in self.alive()]
        for _ in range(batches):
            self.rig.batch(self.proposals())
            self.retrain()
        record = self.client.request("GET", "/v1/campaigns/rivals/hypotheses")["hypotheses"]
        states = {line["descriptors"][0]: line["state"] for line in record}
        return {name: states.get(name, "never judged") for name in [self.laboratory.true, *planted]}

    def stop(self):
        self.daemon.stop()
