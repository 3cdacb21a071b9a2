"""What `kasetsu fit` costs with its default settings, and how well its models predict, beside an earlier release's program.

Cost: CPU seconds of whole runs on one thread, the two programs in turns, the least of some runs. Quality: the table is divided into
folds at random, a model is learnt on the others and asked for the fold: mean absolute error, average precision (of the best fifth of
the table), coverage of the 80 % intervals; means over the seeds. Exit code 1 when a bound does not hold.

  fit.py --bin build/release/bin --data ../shared/data [--before PROGRAM] [--seeds 5] [--folds 3] [--only cost] [--tables TWC-51]

With --figures FILE what was measured of the earlier program's quality is kept there and not measured again.
"""

import argparse
import csv
import io
import json
import os
import random
import sys
import tempfile

# Name, file, target, whether more is better, most CPU seconds, aim.
TABLES = (("OCM-376", "catalysts/ocm_slots_376.csv", "Measured C2 yield (%)", True, 5.0, 2.0),
          ("OCM-171", "catalysts/afe_ocm_171.csv", "C2y", True, 2.0, 0.5),
          ("TWC-51", "catalysts/afe_twc_51.csv", "T50(NO)", False, 0.5, 0.5))
WITHIN = 0.01  # of the earlier program's figure, or better
COVERAGE = 0.80  # of the intervals, as promised: nearer to it is better


def run(command):
    """Output and CPU seconds of a program."""
    read_end, write_end = os.pipe()
    child = os.posix_spawnp(command[0], command, os.environ,
                            file_actions=[(os.POSIX_SPAWN_DUP2, write_end, 1), (os.POSIX_SPAWN_CLOSE, read_end)])
    os.close(write_end)
    with os.fdopen(read_end, encoding="utf-8") as out:
        text = out.read()
    _, status, usage = os.wait4(child, 0)
    if status != 0:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    return text, usage.ru_utime + usage.ru_stime


class Table:
    def __init__(self, data, name, path, target, more_is_better):
        self.name, self.target, self.path = name, target, os.path.join(data, path)
        with open(self.path, encoding="utf-8-sig", newline="") as file:
            self.header, *self.rows = [row for row in csv.reader(file) if row]
        column = self.header.index(target)
        self.y = [float(row[column]) for row in self.rows]
        self.sign = 1.0 if more_is_better else -1.0
        ranked = sorted((self.sign * y for y in self.y), reverse=True)
        self.bar = ranked[len(ranked) // 5]

    def write(self, rows, path):
        out = io.StringIO()
        csv.writer(out).writerows([self.header, *(self.rows[i] for i in rows)])
        with open(path, "w", encoding="utf-8") as file:
            file.write(out.getvalue())


def average_precision(scores, good):
    found, total = 0, 0.0
    for place, (_, is_good) in enumerate(sorted(zip(scores, good), key=lambda pair: -pair[0]), start=1):
        if is_good:
            found += 1
            total += found / place
    return total / found


def quality(program, table, seed, folds, threads, folder):
    """Of one seed: error, average precision, coverage, best mae_cv (mean over folds)."""
    order = list(range(len(table.y)))
    random.Random(seed).shuffle(order)
    said = [None] * len(order)
    best = 0.0
    known, asked, model = (os.path.join(folder, name) for name in ("known.csv", "asked.csv", "fold.model"))
    for fold in range(folds):
        test = order[fold::folds]
        inside = set(test)
        table.write([i for i in order if i not in inside], known)
        table.write(test, asked)
        text, _ = run([program, "fit", known, "--target", table.target, "--seed", str(seed), "--threads", str(threads), "--model", model,
                       "--quiet", "--json"])
        best += json.loads(text)["hypotheses"][0]["mae_cv"] / folds
        text, _ = run([program, "predict", model, asked, "--quiet", "--json"])
        for i, prediction in zip(test, json.loads(text)["predictions"], strict=True):
            said[i] = prediction
    count = len(order)
    return {"error": sum(abs(p["mean"] - y) for p, y in zip(said, table.y)) / count,
            "average precision": average_precision([table.sign * p["mean"] for p in said], [table.sign * y >= table.bar for y in table.y]),
            "coverage": sum(p["low"] <= y <= p["high"] for p, y in zip(said, table.y)) / count,
            "mae_cv": best}


def cost(program, table, seed):
    text, cpu = run([program, "fit", table.path, "--target", table.target, "--seed", str(seed), "--threads", "1", "--quiet", "--json"])
    found = json.loads(text)
    return {"cpu": cpu, "evaluations": found["evaluations"], "mae_cv": found["hypotheses"][0]["mae_cv"]}


class Comparison:
    def __init__(self, arguments):
        self.arguments = arguments
        self.now = os.path.join(arguments.bin, "kasetsu")
        self.holds = True
        self.kept = {}
        if arguments.figures and os.path.exists(arguments.figures):
            with open(arguments.figures, encoding="utf-8") as file:
                self.kept = json.load(file)

    def verdict(self, holds):
        self.holds = self.holds and holds
        return "holds" if holds else "DOES NOT HOLD"

    def costs(self, table, most, aim):
        runs = {self.now: [], self.arguments.before: []}
        for turn in range(self.arguments.turns):
            for program in runs:
                if program:
                    runs[program].append(cost(program, table, 1 + turn))
        least = {program: min(r["cpu"] for r in of) for program, of in runs.items() if of}
        now = runs[self.now][0]
        line = (f"{table.name:8} {least[self.now]:7.2f} CPU s (at most {most:g}, aim {aim:g}), {now['evaluations']:.3g} evaluations, "
                f"mae_cv {now['mae_cv']:.4f}")
        if self.arguments.before:
            then = runs[self.arguments.before][0]
            line += (f" | before {least[self.arguments.before]:.2f} CPU s, {then['evaluations']:.3g}, {then['mae_cv']:.4f}; "
                     f"ratio {least[self.arguments.before] / least[self.now]:.1f}")
        print(f"{line}: {self.verdict(least[self.now] <= most)}", flush=True)

    def of_program(self, program, table, seed, folder):
        key = f"{table.name} {seed} {self.arguments.folds}"
        if program == self.arguments.before and key in self.kept:
            return self.kept[key]
        found = quality(program, table, seed, self.arguments.folds, self.arguments.threads, folder)
        if program == self.arguments.before and self.arguments.figures:
            self.kept[key] = found
            with open(self.arguments.figures, "w", encoding="utf-8") as file:
                json.dump(self.kept, file, indent=1)
        return found

    def qualities(self, table):
        programs = [p for p in (self.now, self.arguments.before) if p]
        seeds = range(1, self.arguments.seeds + 1)
        with tempfile.TemporaryDirectory(prefix="kasetsu-fit-") as folder:
            by_seed = {p: [] for p in programs}
            for seed in seeds:
                for program in programs:
                    by_seed[program].append(self.of_program(program, table, seed, folder))
        mean = {p: {key: sum(of[key] for of in by_seed[p]) / len(seeds) for key in by_seed[p][0]} for p in programs}
        line = "  ".join(f"{key} {value:.4f}" for key, value in mean[self.now].items())
        if not self.arguments.before:
            print(f"{table.name:8} {line}", flush=True)
            return
        ratio = {key: mean[self.now][key] / mean[self.arguments.before][key] for key in mean[self.now]}
        then = "  ".join(f"{value:.4f} ({ratio[key] - 1.0:+.1%})" for key, value in mean[self.arguments.before].items())
        off = {p: abs(mean[p]["coverage"] - COVERAGE) for p in programs}
        covers = abs(ratio["coverage"] - 1.0) <= WITHIN or off[self.now] <= off[self.arguments.before]
        holds = ratio["error"] <= 1.0 + WITHIN and ratio["average precision"] >= 1.0 - WITHIN and covers
        print(f"{table.name:8} {line} | before {then}: {self.verdict(holds)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--before", default="", help="an earlier release's program kasetsu")
    parser.add_argument("--figures", default="")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="of the fits for quality")
    parser.add_argument("--turns", type=int, default=2, help="runs of each program for cost")
    parser.add_argument("--only", choices=("cost", "quality"))
    parser.add_argument("--tables", nargs="+", default=[name for name, *_ in TABLES])
    arguments = parser.parse_args()
    comparison = Comparison(arguments)
    for name, path, target, more_is_better, most, aim in TABLES:
        if name not in arguments.tables:
            continue
        table = Table(arguments.data, name, path, target, more_is_better)
        if arguments.only != "quality":
            comparison.costs(table, most, aim)
        if arguments.only != "cost":
            comparison.qualities(table)
    return 0 if comparison.holds else 1


if __name__ == "__main__":
    sys.exit(main())
