"""Writes docs/man/kasetsu.1 from the help of the program: python3 docs/man/make.py build/release/bin/kasetsu

The prose is here, the commands and their options are what `--help` says, so that the page and the program agree.
tests/daemon/cli/man_test.py fails when the page is not what this makes."""
import pathlib
import re
import subprocess
import sys

ABOUT = r"""Kasetsu proposes which catalysts to make next, from tens to hundreds of measurements and without prior knowledge of the
reaction. Thousands of descriptors are made from general properties of the elements; a search keeps the few that
explain the measurements; the next catalysts are chosen to be good, and to break the hypotheses that are wrong.

The commands on files need no daemon. The others talk to
.BR kasetsud (8)
over HTTP.

Data go to the standard output, messages and progress to the standard error. With
.B \-\-json
the standard output is exactly one JSON document; numbers in it are finite and read back to the same double. With
.B \-\-seed
a run can be repeated bit for bit, whatever
.B \-\-threads
says."""

TABLES = r"""A table of catalysts is a CSV file (UTF-8, commas, a header) in one of three shapes, told from its header or by
.BR \-\-profile :
.TP
.B loadings
one column an element, named by its symbol; the cells are amounts, 0 where the element is absent.
.TP
.B slots
columns M1, M2, ... with symbols, and Support. An empty slot is
.B none
or blank; an element that fills two slots counts twice.
.TP
.B formula
one column named formula, composition or catalyst, with formulas or names such as Mn-Na2WO4/SiO2.
.PP
A column is an input only if it is part of the composition or named by
.BR \-\-conditions ;
.B \-\-target
names what was measured. Other columns are left out. A column that only resembles one of the composition (m2, MM2, Li (wt%)) is
an error, never a guess;
.B \-\-ignore
says that it is something else. Row names come from
.BR \-\-id ,
else from the first column of text without repetitions, else they are line numbers. The same catalyst measured twice
is two rows."""

EXAMPLES = r"""kasetsu fit results.csv --target "C2 yield (%)" --model yield.model
kasetsu predict yield.model candidates.csv
kasetsu recommend --campaign ocm.toml --data results.csv --batch 20
kasetsu campaign apply ocm.toml
kasetsu results import ocm batch7.csv --source rig-1 --run batch7
kasetsu proposals ocm
kasetsu retrain --all --if-new --wait --quiet"""

FILES = [("~/.config/kasetsu/client.toml, /etc/kasetsu/client.toml", "url, token_file and ca_file of the daemon; the first file counts most."),
         ("/run/kasetsud/kasetsud.sock, $XDG_RUNTIME_DIR/kasetsud.sock", "Unix sockets that are tried first.")]

EXITS = [("0", "done"), ("1", "failure"), ("2", "wrong usage"), ("65", "bad data: the message names file, line, column, value and what was expected"),
         ("69", "the daemon does not answer"), ("75", "busy, or not finished in time: try again later"), ("130", "interrupted")]

ENVIRONMENT = [("KASETSU_URL", "address of the daemon: http://HOST:PORT, https://HOST:PORT or unix:/PATH. --url goes before it, the files below come after it; "
                "where none tells, the Unix socket of a daemon on this machine, else http://127.0.0.1:8765."),
               ("KASETSU_TOKEN", "token for the daemon."),
               ("KASETSU_CA_FILE", "certificate (PEM) of who signed the daemon's, where the system does not know it."),
               ("KASETSU_CONFIG", "the one file to read instead of those below."),
               ("NO_COLOR", "set: no colours. There are none either where the output is no terminal."),
               ("KASETSU_DATA_DIR", "folder with elements/general.csv and elements/supports.csv, instead of the installed one.")]


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in text.split("\n"))


class Help:
    """What one command says of itself."""

    def __init__(self, program, path):
        text = subprocess.run([program, *path, "--help"], capture_output=True, text=True, check=True).stdout
        lines = text.split("\n")
        self.path = path
        self.summary = lines[0]
        usage = next((i for i, line in enumerate(lines) if line.startswith("Usage:")), len(lines))
        self.examples = "\n".join(lines[1:usage]).strip("\n")
        self.usage = lines[usage][len("Usage: "):] if usage < len(lines) else ""
        self.items, self.commands = [], []
        section = ""
        for line in lines[usage + 1:]:
            if re.match(r"^\S.*:$", line):
                section = line[:-1]
            elif section == "Commands":
                if line.startswith("  ") and line[2] != " ":
                    self.commands.append(line.split()[0])
            elif re.match(r"^ {2}\S", line):
                name, _, text = line[2:].partition("  ")
                if len(line) > 26 and line[25] == " " and not text:
                    name, text = line[2:26].strip(), line[26:]
                self.items.append([section, name.strip(), text.strip()])
            elif line.startswith(" " * 20) and self.items:
                self.items[-1][2] = (self.items[-1][2] + " " + line.strip()).strip()


def commands_of(program):
    """In the overview's order: one line a command, or "Group: a, b, c"."""
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    names, inside = [], False
    for line in text.split("\n"):
        if line.startswith("kasetsu COMMAND"):
            break
        match = re.match(r"^ {2}([a-z]+) +\S", line)
        rest = re.match(r"^[A-Z][a-z ]+: (.+)$", line)
        if inside and match:
            names.append(match.group(1))
        elif rest:
            names += rest.group(1).split(", ")
        inside = inside or (line.endswith(":") and not line.startswith(" "))
    return names


def sections(program):
    for name in commands_of(program):
        top = Help(program, [name])
        if not top.commands:
            yield top
        for sub in top.commands:
            yield Help(program, [name, sub])


def page(program):
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    out = [f'.TH KASETSU 1 "" "Kasetsu {version}" "User Commands"', ".SH NAME",
           r"kasetsu \- which catalysts to make next, from what was measured", ".SH SYNOPSIS",
           r".B kasetsu", r"\fICOMMAND\fR [\fIOPTIONS\fR] ...", ".SH EXAMPLES", ".nf", roff(EXAMPLES), ".fi",
           ".SH DESCRIPTION", ABOUT.replace("\n\n", "\n.PP\n"), ".SH TABLES", TABLES, ".SH COMMANDS"]
    for item in sections(program):
        out += [f".SS kasetsu {roff(' '.join(item.path))}", roff(item.summary[0].upper() + item.summary[1:]) + ".",
                ".PP", r"\fB" + roff(item.usage) + r"\fR", ".PP", ".nf", roff(item.examples), ".fi"]
        for _, name, text in item.items:
            if name.startswith("-h,"):
                continue
            out += [".TP", r"\fB" + roff(name) + r"\fR", roff(text) or r"\&"]
    out.append(".SH EXIT STATUS")
    for code, text in EXITS:
        out += [".TP", f".B {code}", roff(text)]
    out.append(".SH ENVIRONMENT")
    for name, text in ENVIRONMENT:
        out += [".TP", f".B {name}", roff(text)]
    out.append(".SH FILES")
    for name, text in FILES:
        out += [".TP", r"\fI" + roff(name) + r"\fR", roff(text)]
    out += [".SH SEE ALSO", ".BR kasetsud (8)", ".PP",
            "Taniike, Fujiwara, Nakanowatari, García\\-Escobar and Takahashi, Communications Chemistry 7, 11 (2024), doi "
            "10.1038/s42004\\-023\\-01086\\-y."]
    return "\n".join(line for block in out for line in block.split("\n") if line.strip() or block == "") + "\n"


if __name__ == "__main__":
    pathlib.Path(__file__).with_name("kasetsu.1").write_text(page(sys.argv[1]), encoding="utf-8")
