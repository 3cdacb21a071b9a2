#!/usr/bin/env python3
"""Planning at a million to two billion candidates: 12 explore + 12 exploit after 300 measured ones.

Prints a line a space: CPU and wall seconds, peak memory, what is proven, and how many picks are those of looking at every
candidate (the smallest space only). The ensemble of hypotheses plans, in all of them. With --before OLD_KASETSU an older program
plans the same spaces from the same model in the same run, and ratios of seconds and memory are printed. Fails where a bound does
not hold: the picks of looking at everything, the same picks for one thread and for two, what must be proven, seconds on two cores
(half of the CPU seconds, so that a busy machine does not matter), and peak memory.

  python3 tests/benchmark/planning_scale.py [--bin build/release/bin] [--before OLD_KASETSU]
                                            [--model FILE] [--elements N...]
"""
import argparse
import json
import math
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

METALS = ("Li Na K Mg Ca Sr Ba La Ce Nd Mn Fe Co Ni Cu Zn Y Zr Ti V Mo W Pd Cs Eu Tb Hf Rb Sc Cr "
          "Ga Ge Nb Ru Rh Ag Cd In Sn Sb Pr Sm Gd Dy Ho Er Tm Yb Lu Ta Re Os Ir Pt Au Tl Pb Bi Al Be").split()
SUPPORTS = "Al2O3 BaO CaO CeO2 La2O3 MgO SiO2 TiO2 ZrO2 ZnO Nb2O5 Y2O3".split()
ATOMIC_NUMBER = dict(zip(METALS, (
    3, 11, 19, 12, 20, 38, 56, 57, 58, 60, 25, 26, 27, 28, 29, 30, 39, 40, 22, 23, 42, 74, 46, 55, 63, 65, 72, 37, 21, 24,
    31, 32, 41, 44, 45, 47, 48, 49, 50, 51, 59, 62, 64, 66, 67, 68, 69, 70, 71, 73, 75, 76, 77, 78, 79, 81, 82, 83, 13, 4)))
# Elements, and the most seconds on two cores (None: no bound was set).
SIZES = {15: None, 23: None, 36: 3.0, 60: 15.0}


def campaign(count, look_at):
    metals = ", ".join(f'"{metal}"' for metal in METALS[:count])
    supports = ", ".join(f'"{support}"' for support in SUPPORTS)
    return f"""format = 1
name = "scale-{count}"
[[targets]]
name = "yield"
unit = "%"
goal = "maximize"
[[space]]
kind = "grid"
elements = [{metals}]
min_elements = 5
max_elements = 5
loadings = [0.1, 0.2]
loading_unit = "mmol/g"
supports = [{supports}]
[planner]
batch = 24
surrogate = "hypotheses"
most_evaluated = {look_at}
[planner.mix]
explore = 12
exploit = 12
"""


def measured(rows, seed=5):
    """A made-up table: additive in the elements, with steps that no smooth property tells."""
    draw = random.Random(seed)
    lines = [",".join(METALS + ["Support", "yield"])]
    for _ in range(rows):
        chosen = {metal: draw.choice((0.1, 0.2)) for metal in draw.sample(METALS, 5)}
        support = draw.choice(SUPPORTS)
        value = draw.gauss(0.0, 1.0) + len(support)
        for metal, amount in chosen.items():
            z = ATOMIC_NUMBER[metal]
            value += 30.0 * amount * math.sin(0.7 * z) + (4.0 if z % 7 == 0 else 0.0)
        lines.append(",".join([str(chosen.get(metal, 0)) for metal in METALS] + [support, f"{value:.4f}"]))
    return "\n".join(lines) + "\n"


def run(program, arguments):
    """Its answer, CPU and wall seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run([str(program), *arguments, "--json", "--quiet"], capture_output=True, text=True, check=False)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{program} {' '.join(arguments)}: {done.stderr.strip()}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout), cpu, wall


def plan(program, folder, count, model, look_at=100_000, threads=0):
    path = folder / f"scale_{count}_{look_at}.toml"
    path.write_text(campaign(count, look_at))
    arguments = ["recommend", "--campaign", str(path), "--data", str(folder / "measured.csv"), "--target", "yield",
                 "--model", str(model), "--batch", "24"]
    return run(program, arguments + (["--threads", str(threads)] if threads else []))


def keys(answer):
    return [proposal["key"] for proposal in answer["proposals"]]


def line(who, answer, cpu, wall):
    proven = "proven" if answer["exact"] else "not proven"
    print(f"  {who:9} {cpu:7.1f} s CPU {wall:7.1f} s wall {answer['peak_rss_bytes'] / 2**20:6.0f} MiB  {proven}", flush=True)


def measure(count, options, folder, model, smaller):
    """Plans one space; returns what does not hold, its CPU seconds and its size."""
    wrong = []
    program = options.bin / "kasetsu"
    answer, cpu, wall = plan(program, folder, count, model)
    size = answer["space_size"]
    print(f"{size:.3g} candidates, 300 measured, 12 explore + 12 exploit")
    line("now", answer, cpu, wall)
    if len(answer['notes']) > 1:
        print(f"  {answer['notes'][1]}")
    if options.before:
        old, old_cpu, old_wall = plan(options.before, folder, count, model)
        line("before", old, old_cpu, old_wall)
        memory = answer["peak_rss_bytes"] / old["peak_rss_bytes"]
        print(f"  now / before: {cpu / old_cpu:.3f} of the CPU seconds, {wall / old_wall:.3f} of the wall seconds, {memory:.2f} of the memory")
    if smaller:
        print(f"  {size / smaller[1]:.1f} times the candidates of the space before, {cpu / smaller[0]:.1f} times its CPU seconds")
    most = SIZES[count]
    if most is not None and not answer["exact"]:
        wrong.append(f"{size:.3g} candidates: not proven")
    if most is not None and cpu / 2 > most:
        wrong.append(f"{size:.3g} candidates: {cpu / 2:.1f} s on two cores, {most:g} are allowed")
    if answer["peak_rss_bytes"] > 2**30:
        wrong.append(f"{size:.3g} candidates: more than 1 GiB")
    if count == min(SIZES):
        everything, all_cpu, all_wall = plan(program, folder, count, model, look_at=10**12)
        line("all", everything, all_cpu, all_wall)
        same = sum(a == b for a, b in zip(keys(everything), keys(answer)))
        print(f"  {same} of {len(keys(everything))} picks are those of looking at every candidate")
        if keys(everything) != keys(answer):
            wrong.append("the picks are not those of looking at every candidate")
        one, _, _ = plan(program, folder, count, model, threads=1)
        if keys(one) != keys(answer) or one["notes"] != answer["notes"]:
            wrong.append("one thread plans otherwise")
    return wrong, cpu, size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/release/bin"))
    parser.add_argument("--data", help="not used: the table is made up")
    parser.add_argument("--before", type=pathlib.Path, metavar="OLD_KASETSU", help="an older kasetsu to compare with")
    parser.add_argument("--model", type=pathlib.Path, help="fitted before, to the same table (default: fitted now)")
    parser.add_argument("--elements", type=int, nargs="+", default=list(SIZES), choices=list(SIZES))
    options = parser.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "measured.csv").write_text(measured(300))
        model = options.model
        if model is None:
            model = folder / "model.json"
            # The older program reads no newer models.
            run(options.before or options.bin / "kasetsu", ["fit", str(folder / "measured.csv"), "--target", "yield", "--model", str(model)])
        smaller = None
        for count in options.elements:
            found, cpu, size = measure(count, options, folder, model, smaller)
            wrong += found
            smaller = (cpu, size)
    for each in wrong:
        print(f"does not hold: {each}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
