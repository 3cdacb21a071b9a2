"""The engine's promises on the real tables, one line each: what was measured, what is wanted, whether it holds.

Each line stands on the programs that measure it; their own output comes first. Everything runs on one core, in CPU time. The long form
takes about forty minutes of CPU time: exactness ten, scikit-learn ten, the genetic search twenty. Exit code 1 when a line does not hold.
"""

import argparse
import csv
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

XENONPY = "elements/xenonpy_elements_completed.csv"
OCM_171 = ("catalysts/afe_ocm_171.csv", "C2y")
TWC_51 = ("catalysts/afe_twc_51.csv", "T50(NO)")
OCM_456 = ("catalysts/ocm_slots_456.csv", "Measured C2 yield (%)")


class Usage:
    """Of one child: exit code, output, CPU seconds, largest memory in MiB."""

    def __init__(self, code, output, usage):
        self.code, self.output = code, output
        self.cpu = usage.ru_utime + usage.ru_stime
        self.mib = usage.ru_maxrss / 1024


def run(command, show=True):
    print("$ " + " ".join(command), flush=True)
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    lines = []
    for line in child.stdout:
        lines.append(line)
        if show:
            print(line, end="", flush=True)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return Usage(child.returncode, "".join(lines), usage)


def number(pattern, text):
    found = re.search(pattern, text)
    if not found:
        sys.exit(f"no \"{pattern}\" in the output")
    return float(found.group(1).replace(",", ""))


class Promises:
    def __init__(self, arguments):
        self.arguments = arguments
        self.folder = tempfile.mkdtemp(prefix="kasetsu-engine-")
        self.lines = []

    def program(self, name):
        return os.path.join(self.arguments.bin, name)

    def data(self, name):
        return os.path.join(self.arguments.data, name)

    def line(self, number_of, measured, wanted, holds):
        self.lines.append((f"{number_of}. {measured}; wanted {wanted}", holds))

    def skipped(self, number_of, what):
        self.lines.append((f"{number_of}. {what}", None))

    def fit(self, table, *more, seed=1, threads=1):
        """What `kasetsu fit` says of a table with XenonPy's properties, and what it took."""
        path, target = table
        used = run([self.program("kasetsu"), "fit", self.data(path) if not os.path.isabs(path) else path, "--target", target,
                    "--elements", self.data(XENONPY), "--threads", str(threads), "--seed", str(seed), "--quiet", "--json", *more],
                   show=False)
        if used.code != 0:
            sys.exit(f"kasetsu fit ended with {used.code}")
        return json.loads(used.output), used

    def exactness(self):
        used = run([self.program("bench_exactness"), "50" if self.arguments.short else "1000"])
        rows = [line.split() for line in used.output.splitlines() if re.match(r"(TWC|OCM)-", line)]
        worst = max(float(row[5]) for row in rows)
        self.line(1, f"leave-one-out differs from N refits by {worst:.1e} of mae_cv at most ({rows[0][3]} random and as many good subsets a "
                  "table, both epsilons)", "1e-7", used.code == 0 and worst <= 1e-7)

    def sklearn(self):
        used = run([sys.executable, "tests/benchmark/loo_vs_sklearn.py", "--bin", self.arguments.bin, "--data", self.arguments.data,
                    "--subsets", "4" if self.arguments.short else "20"])
        least = number(r"least ratio of means ([\d,]+)", used.output)
        worst = number(r"largest disagreement ([\d.e+-]+)", used.output)
        self.line(2, f"{least:,.0f} times scikit-learn's speed at least, differing by {worst:.1e} of mae_cv at most",
                  "10,000 (stretch 25,000) and 1e-4", used.code == 0)

    def rates(self, program, pattern, counter):
        used = run([self.program(program), f"--benchmark_filter={pattern}", "--benchmark_format=json", "--benchmark_min_time=2"], show=False)
        found = {}
        for entry in json.loads(used.output)["benchmarks"]:
            if counter in entry:
                found[entry["label"]] = entry[counter]
        print("  ".join(f"{name} {rate / 1e6:.1f} M/s" for name, rate in found.items()), flush=True)
        return found

    def scan(self):
        found = self.rates("bench_scan", "rows:150/candidates:4000/size:8/", "subsets/s")
        best = max(found.values())
        self.line(3, f"scan of {best / 1e6:.1f} million subsets a second at N = 150 ({', '.join(f'{n} {r / 1e6:.1f}' for n, r in found.items())})",
                  "15", best >= 15e6)

    def products(self):
        found = self.rates("bench_screening", "rows:150/order:2/.*rounds:4", "products/s")
        best = max(found.values())
        _, used = self.fit(OCM_171, "--order", "2")
        print(f"order-2 fit of OCM-171: {used.cpu:.1f} CPU s, {used.mib:.0f} MiB")
        self.line(4, f"{best / 1e6:.0f} million pairs screened a second at N = 150; order-2 fit of OCM-171 {used.cpu:.1f} CPU s and {used.mib:.0f} MiB",
                  "130, 20 s and 1024 MiB", best >= 1.3e8 and used.cpu <= 20.0 and used.mib <= 1024)

    def quality(self):
        errors, seconds = [], []
        for table in (TWC_51, OCM_171):
            found, used = self.fit(table, "--method", "afe", "--order", "1", "--size", "8", "--epsilon", "1.35", "--family", "off",
                                   "--time-limit", "30")
            errors.append(found["hypotheses"][0]["mae_cv"])
            seconds.append(used.cpu)
            print(f"{os.path.basename(table[0])}: mae_cv {errors[-1]:.4f} after {used.cpu:.1f} CPU s", flush=True)
        self.line(5, f"fit finds {errors[0]:.2f} degC on TWC-51 in {seconds[0]:.0f} CPU s, {errors[1]:.3f} points on OCM-171 in {seconds[1]:.0f}",
                  "8.2 and 2.13 in 30", errors[0] <= 8.2 and errors[1] <= 2.13 and max(seconds) <= 30.0)

    def search(self):
        if self.arguments.short:
            self.skipped(6, "exchange against ten minutes of genetic search")
            return
        reached = []
        for table in ("TWC-51", "OCM-171"):
            used = run([self.program("bench_search"), "600", table])
            found = re.search(r"as good in ([\d.]+) CPU seconds", used.output)
            reached.append(float(found.group(1)) if found else float("inf"))
        self.line(6, f"exchange is as good as ten minutes of genetic search after {reached[0]:g} CPU s (TWC-51), {reached[1]:g} (OCM-171)",
                  "below 5", max(reached) < 5.0)

    def identical(self):
        """Whether model and figures are the same for 1 and 2 threads and twice in a row."""
        runs = different = 0
        for table in (TWC_51, OCM_171):
            for search, epsilon, order in (("exchange", "1.35", "1"), ("exchange", "1", "1"), ("genetic", "1.35", "1"), ("genetic", "1", "1"),
                                           ("random", "1.35", "1"), ("random", "1", "1"), ("exchange", "1.35", "2"), ("exchange", "1", "3")):
                seen = set()
                for turn, threads in enumerate((1, 1, 2)):
                    model = os.path.join(self.folder, "same.model")
                    found, _ = self.fit(table, "--search", search, "--epsilon", epsilon, "--order", order,
                                        "--time-limit", "1" if order == "1" else "10",  # not so little that the clock ends it
                                        "--model", model, threads=threads)
                    for key in ("cpu_seconds", "wall_seconds"):
                        del found[key]
                    with open(model, "rb") as file:
                        seen.add(hashlib.sha256(file.read() + json.dumps(found).encode()).hexdigest())
                runs += 1
                if len(seen) != 1:
                    different += 1
                    print(f"differs: {table[0]} {search} epsilon {epsilon} order {order}, stopped by {found['stopped_by']}", flush=True)
        print(f"{runs} fits, each twice on one thread and once on two: {different} differ", flush=True)
        return runs, different

    def interrupt(self, table, moments):
        """The longest CPU time in ms that `kasetsu fit` goes on after SIGINT at a random moment of its first seconds."""
        longest = 0.0
        draw = random.Random(1)
        for _ in range(moments):
            path, target = table
            child = subprocess.Popen([self.program("kasetsu"), "fit", path, "--target", target, "--time-limit", "30", "--threads", "1", "--quiet",
                                      "--model", os.path.join(self.folder, "never.model")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.2 + 4.0 * draw.random())
            with open(f"/proc/{child.pid}/schedstat", encoding="ascii") as file:
                before = int(file.read().split()[0]) / 1e9
            # The clock of the main thread, which is the one that works here.
            child.send_signal(signal.SIGINT)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            longest = max(longest, 1e3 * (usage.ru_utime + usage.ru_stime - before))
        return longest

    def cancel(self, six_hundred):
        runs, different = self.identical()
        used = run([self.program("bench_cancel"), "4" if self.arguments.short else "20"])
        longest = number(r"longest delay ([\d.]+) ms", used.output)
        signalled = self.interrupt(six_hundred, 5 if self.arguments.short else 20)
        print(f"kasetsu fit goes on for {signalled:.0f} ms after SIGINT")
        self.line(7, f"{runs - different} of {runs} fits the same twice and for 1 and 2 threads; cancelled within {longest:.0f} ms of CPU time in every "
                  f"phase, {signalled:.0f} by Ctrl-C", "all, 100 ms", different == 0 and used.code == 0 and longest <= 100 and signalled <= 100)

    def six_hundred(self):
        """456 real rows, and copies of them with other amounts and errors: a table that is nowhere else."""
        with open(self.data(OCM_456[0]), encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        draw = random.Random(600)
        table = []
        for k in range(600):
            row = rows[k] if k < len(rows) else draw.choice(rows)
            amounts = {}
            for slot in ("M1", "M2", "M3"):
                if row[slot] not in ("none", "n.a.", ""):
                    amounts[row[slot]] = amounts.get(row[slot], 0.0) + (1.0 if k < len(rows) else 0.5 + draw.random())
            table.append((row["Support"], amounts, float(row[OCM_456[1]]) + (0.0 if k < len(rows) else draw.gauss(0.0, 1.0))))
        elements = sorted({element for _, amounts, _ in table for element in amounts})
        path = os.path.join(self.folder, "six_hundred.csv")
        with open(path, "w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(["name", "support", *elements, "yield"])
            for k, (support, amounts, y) in enumerate(table):
                out.writerow([f"c{k}", support, *[f"{amounts.get(element, 0.0):.4f}" for element in elements], f"{y:.4f}"])
        return path, "yield"

    def memory(self, six_hundred):
        most = {}
        for name, more in (("afe", ["--method", "afe"]), ("extended", ["--method", "extended"]),
                           ("extended with model", ["--method", "extended", "--model", os.path.join(self.folder, "six_hundred.model")])):
            found, used = self.fit(six_hundred, "--order", "1", "--time-limit", "2", *more)
            assert found["n_samples"] == 600
            most[name] = used.mib
            print(f"N = 600, {name}: {used.mib:.0f} MiB, {found['n_descriptors']} descriptors, {used.cpu:.1f} CPU s", flush=True)
        self.line(8, f"order-1 fit at N = 600 holds {max(most.values()):.0f} MiB ({', '.join(f'{n} {m:.0f}' for n, m in most.items())})",
                  "below 200", max(most.values()) < 200)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--short", action="store_true", help="fewer subsets and moments, without the genetic search")
    parser.add_argument("--only", type=int, nargs="+", default=list(range(1, 9)), help="numbers of lines")
    arguments = parser.parse_args()
    promises = Promises(arguments)
    table = promises.six_hundred()
    steps = (promises.exactness, promises.sklearn, promises.scan, promises.products, promises.quality, promises.search,
             lambda: promises.cancel(table), lambda: promises.memory(table))
    for place, step in enumerate(steps, start=1):
        if place in arguments.only:
            print(f"\n-- line {place}", flush=True)
            step()
    print()
    for text, holds in promises.lines:
        print(f"{'skipped' if holds is None else 'holds' if holds else 'DOES NOT HOLD':13}  {text}")
    return 1 if any(holds is False for _, holds in promises.lines) else 0


if __name__ == "__main__":
    sys.exit(main())
