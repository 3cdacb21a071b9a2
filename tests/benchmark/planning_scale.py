#!/usr/bin/env python3
"""Planning at a million to two billion candidates: 12 explore + 12 exploit after 300 measured ones.

Prints a line a space: CPU and wall seconds, peak memory, what is proven, and how many picks are
those of looking at every candidate (the smallest space only). With --previous FOLDER the previous
release's program plans the same spaces from the same model in the same run, and the ratio of the
CPU seconds is printed. Fails where a bound of --check does not hold.

  python3 tests/benchmark/planning_scale.py [--bin build/release/bin] [--previous FOLDER] [--check]
"""
import argparse
import json
import math
import os
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
# Elements, and the most seconds that issue 19 allows on two cores (None: no bound was set).
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
    """Its answer, CPU and wall seconds, and peak memory in MiB, or None where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    done = subprocess.run([program, *arguments, "--json", "--quiet"], capture_output=True, text=True, check=False)
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
