"""Which tests ./dev test runs: those whose programs or files differ from what they last passed with, as far as two minutes go.

what_to_run.py BUILD choose [all]  writes their numbers to BUILD/tests_to_run, for ctest -I, and prints how many there are, and of how many;
                                   with all: every test
what_to_run.py BUILD keep RESULTS  remembers in BUILD/tests_passed.json which of them passed, and in which time (RESULTS: what
                                   ctest --output-junit wrote)
what_to_run.py BUILD left          prints the names of those that differ and were left out

What a test is made of: its command, its programs, every file of the project that is not compiled into them (scripts, tables, pages,
documents; what git knows or would add), and the names, sizes and times of the shared data. A test that failed is run again.
A person waits for them: where those that differ take longer than BUDGET_S, the longest are left out, if they passed in this folder
before. They stay due until they have run.
"""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as xml

SOURCE = pathlib.Path(__file__).resolve().parent.parent
SHARED = SOURCE.parent / "shared" / "data"
COMPILED = (".cc", ".h")
BUDGET_S = 70  # with the build, two minutes


def digest_of(parts):
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "little") + part)
    return whole.hexdigest()


def read_beside_programs():
    """Digest of what tests read that is not in a program; None where it cannot be told."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=SOURCE,
                            capture_output=True, check=False)
    if listed.returncode != 0:
        return None
    parts = []
    for name in sorted(set(listed.stdout.decode().split("\0")) - {""}):
        path = SOURCE / name
        if path.is_file() and path.suffix not in COMPILED:
            parts += [name.encode(), path.read_bytes()]
    for path in sorted(SHARED.rglob("*")) if SHARED.is_dir() else []:
        about = path.stat()
        parts.append(f"{path.relative_to(SHARED)} {about.st_size} {about.st_mtime_ns}".encode())
    return digest_of(parts)


def programs_of(build):
    """Names of the programs that a script needs, by its test."""
    needs = {}
    for line in (build / "tests.list").read_text(encoding="utf-8").splitlines():
        _, test, targets, _ = line.split(" ")
        needs[test] = [target for target in targets.split(",") if target]
    return needs


def made_of(build):
    """Digest of each test, by name, in the order of ctest's numbers; None where files cannot be told."""
    asked = subprocess.run(["ctest", "--test-dir", str(build), "--show-only=json-v1"], capture_output=True, check=True)
    beside, needs, programs, found = read_beside_programs(), programs_of(build), {}, {}

    def program(path):
        if path not in programs:
            programs[path] = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b""
        return programs[path]

    for test in json.loads(asked.stdout)["tests"]:
        command = test.get("command", [])
        own = pathlib.Path(command[0]).name if command else ""
        used = {build / "bin" / name for name in needs.get(test["name"], needs.get(own, []))}
        used |= {pathlib.Path(word) for word in command if word.startswith(f"{build}/bin/")}
        parts = [" ".join(command).encode(), *(program(path) for path in sorted(used))]
        found[test["name"]] = digest_of([beside.encode(), *parts]) if beside else None
    return found


def read_digests(path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def fit_budget(due, before):
    """Those of the due tests that are run now: the shortest, as many as fit; what never passed here is run in any case."""
    spent, run = 0.0, []
    for name in sorted(due, key=lambda name: before.get(name, {}).get("seconds", 0.0)):
        spent += before.get(name, {}).get("seconds", 0.0) / (os.cpu_count() or 1)
        if spent <= BUDGET_S or name not in before:
            run.append(name)
    return set(run)


def choose(build, everything):
    before, now = read_digests(build / "tests_passed.json"), made_of(build)
    due = [name for name, digest in now.items() if everything or digest is None or before.get(name, {}).get("digest") != digest]
    run = set(due) if everything else fit_budget(due, before)
    numbers = [number for number, name in enumerate(now, 1) if name in run]
    (build / "tests_to_run").write_text("0,0,0," + ",".join(map(str, numbers)) + "\n", encoding="utf-8")
    chosen = {"all": now, "chosen": [name for name in now if name in run], "left": [name for name in due if name not in run]}
    (build / "tests_chosen.json").write_text(json.dumps(chosen), encoding="utf-8")
    print(len(run), len(now))


def keep(build, results):
    """What was edited while the tests ran does not count as passed: digests are those of the choice."""
    before, choice = read_digests(build / "tests_passed.json"), read_digests(build / "tests_chosen.json")
    now = choice["all"]
    ran = {case.get("name"): case for case in xml.parse(results).iter("testcase")}
    if set(ran) != set(choice["chosen"]):
        sys.exit(f"what_to_run: ctest ran {len(ran)} tests, not the {len(choice['chosen'])} that were chosen")
    kept = {name: before[name] for name in now if name in before and name not in ran}
    for name, case in ran.items():
        if case.get("status") == "run":
            kept[name] = {"digest": now[name], "seconds": float(case.get("time") or 0.0)}
    (build / "tests_passed.json").write_text(json.dumps(kept), encoding="utf-8")


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1]).resolve()
    if sys.argv[2] == "choose":
        choose(folder, sys.argv[3:] == ["all"])
    elif sys.argv[2] == "left":
        print(" ".join(read_digests(folder / "tests_chosen.json").get("left", [])))
    else:
        keep(folder, sys.argv[3])
