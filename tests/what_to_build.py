"""Which targets a test needs, for ./dev test NAME: prints the targets, then a pattern of the tests' names for ctest.

NAME is a test ("Ulid.Sorts", "cli_files"), a test program, a folder or a file, or a part of one of these.
Usage: what_to_build.py BUILD NAME
"""
import pathlib
import re
import sys

build, name = pathlib.Path(sys.argv[1]), sys.argv[2]
source = pathlib.Path(__file__).resolve().parent.parent
CASE = re.compile(r"^\s*(?:TEST|TEST_F|TEST_P|RC_GTEST_PROP|RC_GTEST_FIXTURE_PROP)\(\s*(\w+),\s*(\w+)", re.M)


def cases(path):
    """Names of the tests in a file, as ctest lists them."""
    return [".".join(case) for case in CASE.findall((source / path).read_text(encoding="utf-8"))]


targets, patterns, known = set(), set(), []
for line in (build / "tests.list").read_text(encoding="utf-8").splitlines():
    kind, test, needs, files = line.split(" ")
    files = files.split(",")
    known.append(test)
    of_file = {file: cases(file) for file in files} if kind == "program" else {file: [test] for file in files}
    chosen = [case for file, all_of_file in of_file.items() for case in all_of_file
              if name in test or name in file or name in file.removeprefix("tests/") or name in case]
    if chosen:
        targets.update(need for need in needs.split(",") if need)
        patterns.update(f"(^|/){re.escape(case)}(/|$)" for case in chosen)
if not targets:
    sys.exit(f'dev: no test, test program, folder or file has "{name}" in its name; programs and scripts: {" ".join(known)}')
print(" ".join(sorted(targets)))
print("|".join(sorted(patterns)))
