"""A simulated laboratory: a rig that measures what the daemon proposes, as a real client of its API.

    python3 drivers/virtual_lab/virtual_lab.py --campaign ocm --batches 3        the methane-coupling twin
    python3 drivers/virtual_lab/virtual_lab.py --campaign mine --data TABLE.csv   a measured table

    ... --sweep 216 --replicates 2 --drift 0.02 --dead-channel 13 --late 0.1 --repeat 0.1 --correct 0.05 --seed 7
                                                                  a run as it really comes out of a rig

The twin's hidden truth over all 36,540 candidates is the formula of fit_twin.py with the terms of twin_ocm.json; what
it reports is the truth with noise, at the conditions at which that catalyst would be best. With --data the answers are
the table's own values, replicates in the order of the file. Python 3.9 or newer, standard library only.
"""
import argparse
import csv
import hashlib
import json
import math
import os
import random
import re
import sys
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "client"))
from kasetsu_client import Client  # noqa: E402  (the client lies beside this folder, it is no package)

CHANNELS = 20
# The automatic sweep of Nguyen et al. (ACS Catal. 2020): temperatures falling, three flows, four ratios, three dilutions.
SWEEP = [(t, f, r, a) for t in (900, 850, 800, 775, 750, 700) for f in (10, 15, 20) for r in (2, 3, 4, 6)
         for a in (0.15, 0.4, 0.7)]


def parse_key(key):
    """Canonical key of a catalyst -> ({element: amount}, support or None)."""
    actives, _, support = key.partition("|")[0].partition("/")
    amounts = {}
    if actives != "-":
        for part in actives.split(";"):
            symbol, _, amount = part.partition(":")
            amounts[symbol] = float(amount)
    return amounts, urllib.parse.unquote(support) or None


def row_catalyst(key):
    """The catalyst of a result row, as the API takes it: slots where the amounts are counts, else amounts."""
    amounts, support = parse_key(key)
    preparation = urllib.parse.unquote(key.partition("|")[2])
    counts = [n for n in amounts.values()]
    if support and all(n == int(n) for n in counts) and sum(counts) <= 3:
        slots = [m for m, n in amounts.items() for _ in range(int(n))]
        body = {"slots": slots + ["none"] * (3 - len(slots))}
    else:
        body = {"amounts": amounts}
    if support:
        body["support"] = support
    if preparation:
        body["preparation"] = preparation
    return body


def runs_so_far(client, campaign, source):
    """How many runs of the source the daemon knows."""
    runs, token = set(), ""
    while True:
        page = client.request("GET", f"/v1/campaigns/{campaign}/ingests?limit=1000"
                              + (f"&page_token={token}" if token else ""))
        runs |= {ingest["run"] for ingest in page["ingests"] if ingest["source"] == source}
        token = page.get("next_page_token")
        if not token:
            return len(runs)


class Twin:
    """The methane-coupling twin. Noise: standard deviation 0.5 points and 6 % of the value, and one channel in fifty
    is plugged and reports a tenth (re-tests that differ by many points are real; see docs/method.md)."""

    property = "C2_yield"

    def __init__(self, seed, file=os.path.join(HERE, "twin_ocm.json")):
        with open(file, encoding="utf-8") as stream:
            document = json.load(stream)
        self.terms = document["truth"]
        self.ceiling = document["ceiling"]
        self.repeat = document["repeat"]
        self.seed = seed

    def score(self, key):
        amounts, support = parse_key(key)
        terms = self.terms
        score = terms["support"][support]
        symbols = sorted(amounts)
        for i, m in enumerate(symbols):
            weight = 1.0 + self.repeat * (amounts[m] - 1.0)
            score += weight * (terms["element"].get(m, 0.0) + terms["element_on_support"].get(f"{m} {support}", 0.0))
            for other in symbols[i + 1:]:
                score += terms["pair"].get(f"{m} {other}", 0.0)
        return score

    def truth(self, key):
        return self.ceiling / (1.0 + math.exp(-self.score(key)))

    def measure(self, key, replicate=0):
        """(value, conditions) of one run; the same catalyst and replicate always gives the same."""
        digest = hashlib.sha256(f"{self.seed}|{key}|{replicate}".encode()).digest()
        draw = random.Random(int.from_bytes(digest[:8], "big"))
        truth = self.truth(key)
        value = draw.gauss(truth, 0.5 + 0.06 * truth)
        if draw.random() < 0.02:
            value = 0.1 * truth
        # The better the catalyst, the lower the temperature at which it is best: a trend, not a law.
        step = round((truth / self.ceiling) * -3 + draw.gauss(0.0, 1.0))
        conditions = {
            "temperature_C": float(min(900, max(700, 850 + 50 * step))),
            "CH4_O2_ratio": float(draw.choice([2, 2, 2, 3, 4])),
            "flow_mL_min": float(draw.choice([10, 15, 20])),
        }
        return round(max(0.0, value), 2), conditions


    def at(self, key, condition, replicate=0, gain=1.0):
        """One point of a sweep over SWEEP: the truth falls off around the catalyst's own best temperature, with the feed's
        ratio and with the flow. gain: of the instrument, which drifts."""
        digest = hashlib.sha256(f"{self.seed}|{key}".encode()).digest()
        own = random.Random(int.from_bytes(digest[:8], "big"))
        best_temperature = own.uniform(720.0, 880.0)
        width = own.uniform(60.0, 140.0)
        temperature, flow, ratio, argon = condition
        shape = (math.exp(-((temperature - best_temperature) / width) ** 2) * (1.0 - 0.06 * (ratio - 2.0))
                 * (1.0 - 0.01 * (flow - 10.0)) * (1.0 - 0.2 * (argon - 0.15)))
        digest = hashlib.sha256(f"{self.seed}|{key}|{condition}|{replicate}".encode()).digest()
        draw = random.Random(int.from_bytes(digest[:8], "big"))
        truth = self.truth(key) * max(shape, 0.0)
        return round(max(0.0, gain * draw.gauss(truth, 0.15 + 0.03 * truth)), 2)


class MeasuredTable:
    """A table that was really measured: slots M1, M2, ... with Support, or one column an element."""

    def __init__(self, file, target=None):
        with open(file, newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
        if not rows:
            raise SystemExit(f"{file}: no rows")
        header = [c for c in rows[0] if c]
        slots = [c for c in header if re.fullmatch(r"M\d+", c)]
        elements = [c for c in header if re.fullmatch(r"[A-Z][a-z]?", c)] if not slots else []
        if not slots and not elements:
            raise SystemExit(f"{file}:1: neither slots (M1, M2, ...) nor element columns in the header")
        self.column = target or header[-1]
        if self.column not in header:
            raise SystemExit(f"{file}:1: no column \"{self.column}\"; there are: {', '.join(header)}")
        self.property = re.sub(r"[^A-Za-z0-9]+", "_", self.column).strip("_")
        self.values = {}
        for line, row in enumerate(rows, 2):
            amounts = {}
            if slots:
                for slot in slots:
                    if row[slot] not in ("none", ""):
                        amounts[row[slot]] = amounts.get(row[slot], 0) + 1
            else:
                amounts = {e: float(row[e]) for e in elements if float(row[e]) > 0}
            key = ";".join(f"{e}:{amounts[e]:.9g}" for e in sorted(amounts)) or "-"
            if row.get("Support"):
                key += "/" + row["Support"]
            try:
                self.values.setdefault(key, []).append(float(row[self.column]))
            except ValueError:
                raise SystemExit(f"{file}:{line}: column \"{self.column}\": \"{row[self.column]}\" is no number")

    def measure(self, key, replicate=0):
        values = self.values[key]
        return values[min(replicate, len(values) - 1)], {}


class Rig:
    """One instrument of 20 channels that asks for proposals, measures them and posts one delivery a run."""

    def __init__(self, client, campaign, laboratory, name="rig-1"):
        self.client = client
        self.campaign = campaign
        self.laboratory = laboratory
        self.name = name
        self.runs = 0
        self.measured = {}

    def batch(self, proposals):
        """Measures the proposals; returns [(proposal, value)] and the daemon's verdicts."""
        self.runs += 1
        run = f"run-{self.runs:04d}"
        rows, results = [], []
        for channel, proposal in enumerate(proposals, 1):
            self.client.claim(proposal["id"])
            key = proposal["catalyst"]["key"]
            replicate = self.measured.get(key, 0)
            self.measured[key] = replicate + 1
            value, conditions = self.laboratory.measure(key, replicate)
            rows.append({
                "catalyst": row_catalyst(key),
                "proposal": proposal["id"],
                "channel": str((channel - 1) % CHANNELS + 1),
                "sequence": channel,
                "replicate": replicate + 1,
                "conditions": conditions,
                "values": {self.laboratory.property: value},
            })
            results.append((proposal, value))
        answer = self.client.post_measurements(self.campaign, self.name, run, rows)
        refused = [r for r in answer["rows"] if r["verdict"] == "quarantined"]
        if refused:
            raise SystemExit(f"the daemon quarantined rows of {run}: {refused[:3]}")
        return results


class Habits:
    """What goes wrong in a real run. Chances are between 0 and 1; the same seed goes wrong in the same way."""

    def __init__(self, sweep=len(SWEEP), replicates=2, drift=0.0, dead_channel=0, late=0.0, repeat=0.0, correct=0.0, seed=1):
        self.sweep = sweep                # conditions of each sample, the first of SWEEP
        self.replicates = replicates      # of each condition
        self.drift = drift                # share of the signal that the instrument loses in a run
        self.dead_channel = dead_channel  # its valve is stuck: it reports next to nothing; 0: none
        self.late = late                  # a channel's table comes after the next batch
        self.repeat = repeat              # a table is delivered twice
        self.correct = correct            # a table comes again with corrected values (peaks that were named wrongly)
        self.seed = seed


class SweepRig(Rig):
    """A rig that runs a sweep over conditions for every sample: each point is a row with C2_yield_point, the best mean of
    the replicates is the row with C2_yield at its conditions. One delivery a channel."""

    def __init__(self, client, campaign, laboratory, habits, name="rig-1"):
        super().__init__(client, campaign, laboratory, name)
        self.habits = habits
        self.draw = random.Random(f"{habits.seed}|{name}")
        self.waiting = []  # deliveries that come late
        self.counts = {"delivered": 0, "late": 0, "repeated": 0, "corrected": 0}

    def rows(self, proposal, channel, gain):
        """Rows of one channel and the reported best."""
        key = proposal["catalyst"]["key"]
        dead = channel == self.habits.dead_channel
        rows, means = [], []
        for sequence, condition in enumerate(SWEEP[:self.habits.sweep], 1):
            values = []
            for replicate in range(1, self.habits.replicates + 1):
                value = self.laboratory.at(key, condition, replicate, 0.01 * gain if dead else gain)
                values.append(value)
                rows.append(self.row(proposal, channel, condition, {"C2_yield_point": value}, sequence, replicate))
            means.append((round(sum(values) / len(values), 4), condition))
        best, condition = max(means, key=lambda m: (m[0], [-c for c in m[1]]))
        rows.append(self.row(proposal, channel, condition, {self.laboratory.property: best}))
        return rows, best

    @staticmethod
    def row(proposal, channel, condition, values, sequence=None, replicate=None):
        row = {
            "catalyst": row_catalyst(proposal["catalyst"]["key"]),
            "proposal": proposal["id"],
            "channel": str(channel),
            "conditions": dict(zip(("temperature_C", "flow_mL_min", "CH4_O2_ratio", "p_Ar_atm"), map(float, condition))),
            "values": values,
        }
        if sequence:
            row.update(sequence=sequence, replicate=replicate)
        return row

    def batch(self, proposals):
        self.runs += 1
        run = f"run-{self.runs:04d}"
        before, self.waiting = self.waiting, []
        results = []
        for channel, proposal in enumerate(proposals[:CHANNELS], 1):
            self.client.claim(proposal["id"])
            gain = 1.0 - self.habits.drift * (channel - 1) / max(1, CHANNELS - 1)
            rows, best = self.rows(proposal, channel, gain)
            results.append((proposal, best))
            if self.draw.random() < self.habits.late:
                self.counts["late"] += 1
                self.waiting.append((run, rows))
                continue
            self.deliver(run, rows)
        for late_run, rows in before:
            self.deliver(late_run, rows)
        return results

    def finish(self):
        """What was late comes now."""
        waiting, self.waiting = self.waiting, []
        for run, rows in waiting:
            self.deliver(run, rows)

    def deliver(self, run, rows):
        self.counts["delivered"] += 1
        self.post(run, rows)
        if self.draw.random() < self.habits.repeat:
            self.counts["repeated"] += 1
            self.post(run, rows)
        if self.draw.random() < self.habits.correct:
            self.counts["corrected"] += 1
            factor = round(self.draw.uniform(0.9, 1.1), 3)
            corrected = [dict(row, values={n: round(v * factor, 4) for n, v in row["values"].items()}) for row in rows]
            self.post(run, corrected, revise=True)

    def post(self, run, rows, revise=False):
        answer = self.client.post_measurements(self.campaign, self.name, run, rows, revise=revise)
        refused = [r for r in answer["rows"] if r["verdict"] == "quarantined"]
        if refused:
            raise SystemExit(f"the daemon quarantined rows of {run}: {refused[:3]}")


def wait_for_proposals(client, campaign, count, pause_s=0.2, tick=lambda: None):
    """Waits until the daemon has retrained and planned, and at least `count` proposals are there to be claimed."""
    while True:
        proposals = client.proposals(campaign)
        if len(proposals) >= count:
            return proposals
        tick()
        time.sleep(pause_s)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--url", default=os.environ.get("KASETSU_URL", "http://127.0.0.1:8765"))
    parser.add_argument("--campaign", required=True)
    parser.add_argument("--batches", type=int, default=3)
    parser.add_argument("--batch-size", type=int, default=20)
    parser.add_argument("--data", help="a measured table instead of the twin")
    parser.add_argument("--target", help="column of the table that is measured (default: the last)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--client", default="virtual-lab")
    parser.add_argument("--spool", help="folder for what is posted while the daemon is down")
    parser.add_argument("--sweep", type=int, help="conditions of each sample (at most 216); needs C2_yield_point among "
                                                  "the campaign's [[properties]]")
    parser.add_argument("--replicates", type=int, default=2, help="of each condition, with --sweep")
    parser.add_argument("--drift", type=float, default=0.0, help="share of the signal lost in a run, with --sweep")
    parser.add_argument("--dead-channel", type=int, default=0, help="a channel that reports nothing, with --sweep")
    parser.add_argument("--late", type=float, default=0.0, help="chance that a table comes late, with --sweep")
    parser.add_argument("--repeat", type=float, default=0.0, help="chance that it comes twice, with --sweep")
    parser.add_argument("--correct", type=float, default=0.0, help="chance that it is corrected, with --sweep")
    args = parser.parse_args()
    laboratory = MeasuredTable(args.data, args.target) if args.data else Twin(args.seed)
    client = Client(args.url, client=args.client, token=os.environ.get("KASETSU_TOKEN"), spool=args.spool)
    client.flush()
    if args.sweep:
        if args.data:
            raise SystemExit("--sweep needs the twin: a measured table has no sweep")
        habits = Habits(args.sweep, args.replicates, args.drift, args.dead_channel, args.late, args.repeat, args.correct,
                        args.seed)
        rig = SweepRig(client, args.campaign, laboratory, habits)
    else:
        rig = Rig(client, args.campaign, laboratory)
    # The rig has a name, and so has every run of it: started again, it goes on counting.
    rig.runs = runs_so_far(client, args.campaign, rig.name)
    for number in range(1, args.batches + 1):
        proposals = client.proposals(args.campaign)
        if not proposals:
            # What was planned in the meantime comes leased to this client; else a planning job was scheduled.
            proposals = client.recommend(args.campaign, args.batch_size)["proposals"]
        if not proposals:
            proposals = wait_for_proposals(client, args.campaign, 1)
        results = rig.batch(proposals[:args.batch_size])
        best = max(value for _, value in results)
        print(f"batch {number}: {len(results)} measured, best {best:g}", flush=True)
    if args.sweep:
        rig.finish()
        print(", ".join(f"{n} {word}" for word, n in rig.counts.items()), flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
