"""Cold start of the command line: wall and CPU milliseconds of commands that do next to nothing, median and least of many runs."""
import argparse
import resource
import subprocess
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--bin", default="build/release/bin")
parser.add_argument("--data", help="not used")
parser.add_argument("--runs", type=int, default=50)
options = parser.parse_args()
PROGRAM, RUNS = f"{options.bin}/kasetsu", options.runs


def cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


for arguments in (["--version"], ["--help"], ["fit", "--help"], ["campaign", "list", "--url", "http://127.0.0.1:1"]):
    wall, used = [], []
    for _ in range(RUNS):
        began, before = time.perf_counter(), cpu()
        subprocess.run([PROGRAM, *arguments], capture_output=True, check=False)
        wall.append(1e3 * (time.perf_counter() - began))
        used.append(1e3 * (cpu() - before))
    wall.sort()
    used.sort()
    print(f"kasetsu {' '.join(arguments):45} wall {wall[RUNS // 2]:6.1f} ms (least {wall[0]:.1f}), CPU {used[RUNS // 2]:5.1f} ms")
