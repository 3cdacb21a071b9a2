"""Whole campaigns on the methane-coupling twin and on the oxygen-evolution plate, by the command line: what becomes of
the hypotheses, and whether 80 % intervals hold while the planner moves away from what is known.

    python3 tests/benchmark/campaigns.py --bin build/release/bin --data ../shared/data [--only LINE] [--seeds 1 2 3]

life    twin, eight batches of 20 with the automatic mix: median age of the hypotheses alive, share of those ever alive that
        the ledger eliminated, hypotheses that eight batches judged, error of the predictions before they were measured
rivals  a daemon, a known formula over real elements and rivals that its first batch cannot tell from it, ten batches, 20 seeds:
        whether the truth is alive in the end and the rivals are eliminated
drift   twin, a planner that only exploits, and the plate from its worst tenth, ten batches: share of the measurements after
        the second batch inside the 80 % intervals, their median width, and the same without what earlier batches tell
"""
import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "drivers", "virtual_lab"))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import planted_rivals  # noqa: E402
import virtual_lab  # noqa: E402

BATCH = 20
METALS = ["Ni", "Fe", "Co", "Mn", "Ce", "La"]
CAMPAIGN = """format = 1
name = "twin"
[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"
hit_threshold = 15
[[space]]
kind = "slots"
slots = 3
none = true
repetition = true
elements = [{elements}]
supports = [{supports}]
[planner]
batch = 20
surrogate = "hypotheses"
{mix}
"""


class Program:
    def __init__(self, path, folder, effort):
        self.path, self.folder, self.effort = path, folder, effort

    def json(self, *arguments):
        done = subprocess.run([self.path, *map(str, arguments), "--json"], capture_output=True, text=True, cwd=self.folder,
                              check=False)
        if done.returncode != 0:
            raise SystemExit(f"{arguments[0]}: {done.stderr}")
        return json.loads(done.stdout)

    def fit(self, data, target, seed, before, out):
        history = ["--history", before] if before else []
        effort = ["--time-limit", self.effort] if self.effort > 0 else []
        self.json("fit", data, "--target", target, "--seed", seed, *effort, "--model", out, *history)
        with open(os.path.join(self.folder, out), encoding="utf-8") as file:
            return json.load(file)


def write_table(folder, name, header, rows):
    with open(os.path.join(folder, name), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return name


class TwinCampaign:
    """The planner of the project proposes from all 36,540 candidates of the twin."""
    target = "C2_yield"
    header = ["M1", "M2", "M3", "Support", "C2_yield"]

    def __init__(self, program, seed, mix):
        self.program, self.seed = program, seed
        self.twin = virtual_lab.Twin(seed)
        names = {"elements": sorted(self.twin.terms["element"]), "supports": sorted(self.twin.terms["support"])}
        text = CAMPAIGN.format(mix=mix, **{key: ", ".join(f'"{name}"' for name in value) for key, value in names.items()})
        with open(os.path.join(program.folder, "twin.toml"), "w", encoding="utf-8") as file:
            file.write(text)
        draw = random.Random(seed)
        self.rows = []
        for _ in range(BATCH):
            slots = [draw.choice(names["elements"] + ["none"]) for _ in range(3)]
            amounts = {m: slots.count(m) for m in slots if m != "none"}
            key = ";".join(f"{m}:{n}" for m, n in sorted(amounts.items())) or "-"
            self.measure(f"{key}/{draw.choice(names['supports'])}")

    def measure(self, key):
        body = virtual_lab.row_catalyst(key)
        measured = self.twin.measure(key)
        value = measured[0] if isinstance(measured, tuple) else measured
        value = value[self.target] if isinstance(value, dict) else value
        self.rows.append([*body["slots"], body["support"], value])
        return value

    def table(self):
        return write_table(self.program.folder, "known.csv", self.header, self.rows)

    def next_batch(self, model):
        """(mean, low, high, measured) of the catalysts that are measured next."""
        plan = self.program.json("recommend", "--campaign", "twin.toml", "--data", self.table(), "--target", self.target,
                                 "--model", model, "--batch", BATCH)
        return [(p["mean"], p["low"], p["high"], self.measure(p["key"])) for p in plan["proposals"]]


class PlateCampaign:
    """The best predicted of the plate that are not measured yet; less is better. Begins among the worst tenth."""
    target = "overpotential"
    header = [*METALS, "overpotential"]

    def __init__(self, program, seed, data):
        self.program = program
        with open(os.path.join(data, "catalysts", "oer_plate_3496_data.csv"), encoding="utf-8") as file:
            pool = [[float(cell) for cell in row] for row in csv.reader(file)]
        pool.sort(key=lambda row: row[-1])
        worst = pool[-len(pool) // 10:]
        self.rows = random.Random(seed).sample(worst, BATCH)
        self.left = [row for row in pool if row not in self.rows]

    def table(self):
        return write_table(self.program.folder, "known.csv", self.header, self.rows)

    def next_batch(self, model):
        name = write_table(self.program.folder, "left.csv", METALS, [row[:-1] for row in self.left])
        said = self.program.json("predict", model, name)["predictions"]
        chosen = sorted(range(len(said)), key=lambda i: said[i]["mean"])[:BATCH]
        batch = [(said[i]["mean"], said[i]["low"], said[i]["high"], self.left[i][-1]) for i in chosen]
        self.rows += [self.left[i] for i in chosen]
        taken = set(chosen)
        self.left = [row for i, row in enumerate(self.left) if i not in taken]
        return batch


def names_of(hypotheses):
    return [tuple(sorted(hypothesis["descriptors"])) for hypothesis in hypotheses]


def life(program, seed):
    campaign = TwinCampaign(program, seed, "")
    before = None
    ever, judged, errors = set(), {}, []
    for batch in range(9):
        model = program.fit(campaign.table(), campaign.target, seed, before, f"{batch}.model")
        before = f"{batch}.model"
        alive = names_of(model["hypotheses"])
        ever.update(alive)
        population = model.get("population", {"born": [0] * len(alive), "dormant": [], "generation": 0})
        if batch == 8:
            ages = [population["generation"] - born for born in population["born"]]
            eliminated = {tuple(sorted(key)) for key in model["eliminated"]}
            return (statistics.median(ages), len(eliminated & ever) / len(ever), sum(n == 8 for n in judged.values()),
                    statistics.fmean(errors))
        for name in set(alive + names_of(population["dormant"])):
            judged[name] = judged.get(name, 0) + 1
        errors += [abs(value - mean) for mean, _, _, value in campaign.next_batch(before)]
    raise AssertionError


def drift(campaign, program, seed, with_history):
    """Share of the intervals of batches 3 to 10 that held, and their widths."""
    before = None
    held, widths, of_batch = [], [], []
    for batch in range(10):
        program.fit(campaign.table(), campaign.target, seed, before if with_history else None, f"{batch}.model")
        before = f"{batch}.model"
        results = [(low <= value <= high, high - low) for _, low, high, value in campaign.next_batch(before)]
        of_batch.append(sum(inside for inside, _ in results) / len(results))
        if batch >= 2:
            held += [inside for inside, _ in results]
            widths += [width for _, width in results]
    return held, widths, of_batch


def rivals(programs, seed):
    """Whether the truth stayed and every rival that the first model believed was eliminated; and the states."""
    with tempfile.TemporaryDirectory() as folder:
        campaign = planted_rivals.Rivals(programs, folder, seed)
        try:
            states = campaign.play(10)
        finally:
            campaign.stop()
    true, *planted = states.values()
    return true == "alive" and bool(planted) and set(planted) == {"eliminated"}, states


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--only", choices=["life", "rivals", "twin", "plate"])
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--effort", type=float, default=0.0,
                        help="nominal seconds of a fit [until more changes nothing that is predicted]")
    args = parser.parse_args()
    args.bin, args.data = os.path.abspath(args.bin), os.path.abspath(args.data)
    with tempfile.TemporaryDirectory() as folder:
        program = Program(os.path.join(args.bin, "kasetsu"), folder, args.effort)
        if args.only in (None, "life"):
            for seed in args.seeds or (1, 2, 3):
                age, share, lines, error = life(program, seed)
                print(f"life  seed {seed}: median age {age:g} batches (wanted 3), eliminated {share:.2f} of those ever alive "
                      f"(wanted 0.20), {lines} lines of eight batches, error on the next batch {error:.3f}", flush=True)
        if args.only in (None, "rivals"):
            seeds = args.seeds or range(1, 21)
            passed = 0
            for seed in seeds:
                right, states = rivals(args.bin, seed)
                passed += right
                print(f"rivals seed {seed}:", ", ".join(f"{name} {state}" for name, state in states.items()), flush=True)
            print(f"rivals: the truth stayed and the rivals were eliminated in {passed} of {len(seeds)} seeds (wanted 18 of 20)",
                  flush=True)
        for name in ("twin", "plate"):
            if args.only not in (None, name):
                continue
            for with_history in (True, False):
                held, widths = [], []
                for seed in args.seeds or (1, 2, 3, 4, 5):
                    campaign = TwinCampaign(program, seed, "mix = { exploit = 20 }") if name == "twin" else \
                        PlateCampaign(program, seed, args.data)
                    more, wide, of_batch = drift(campaign, program, seed, with_history)
                    held += more
                    widths += wide
                    print(f"drift {name} seed {seed}{'' if with_history else ', without history'}: by batch",
                          " ".join(f"{share:.2f}" for share in of_batch), flush=True)
                print(f"drift {name}{'' if with_history else ', without history'}: 80 % intervals held "
                      f"{100 * sum(held) / len(held):.1f} % after the second batch, median width "
                      f"{statistics.median(widths):.3g} (wanted 74 to 88 %)", flush=True)


if __name__ == "__main__":
    main()
