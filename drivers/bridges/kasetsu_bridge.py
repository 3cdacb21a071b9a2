"""Moving in, and out again: tables of other active-learning tools to and from a campaign.

    python3 kasetsu_bridge.py campaign --from nimo candidates.csv --target C2_yield --unit % --name ocm > ocm.toml
    python3 kasetsu_bridge.py import   --from nimo candidates.csv --target C2_yield --campaign ocm
    python3 kasetsu_bridge.py export   --to edbo --campaign ocm --target C2_yield --out scope.csv

| format  | what it is | measured | not measured |
|---------|------------|----------|--------------|
| nimo    | NIMO's candidates.csv: descriptors, then the objectives in the last columns, all numbers | a number | an empty cell |
| edbo    | EDBO+'s reaction scope: components, objectives, `priority` (1: to be done next, 0, -1: done) | a number | PENDING |
| baybe   | BayBE's campaign.measurements as CSV: parameters, targets, BatchNr, FitNr | a number | no row |
| pending | any CSV of compositions in which a result that is awaited reads PENDING | a number | PENDING or empty |

Compositions are columns of amounts named by chemical symbols, with `Support` or one column `support=MgO` of zeros and ones
for each support; or slots M1, M2, ... with Support; or one column `catalyst` of names. `import` posts the measured rows,
each known by the file's name and its content: a file that has grown or was sorted anew is simply imported again, and rows
that were imported and are no longer there are named. `campaign` writes a campaign file whose candidates are all rows,
`export` writes measured catalysts and open proposals.

Python 3.9 or newer, standard library only; uses kasetsu_client.py.
"""
import argparse
import csv
import hashlib
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "client"))
from kasetsu_client import Client, Refused  # noqa: E402  (the client lies beside this folder, it is no package)

FORMATS = ("nimo", "edbo", "baybe", "pending")
SYMBOLS = set("""H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr
Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb
Bi Po At Rn Fr Ra Ac Th Pa U Np Pu""".split())
BOOKKEEPING = {"edbo": {"priority"}, "baybe": {"BatchNr", "FitNr"}, "nimo": {"actions"}, "pending": {"priority"}}
PENDING = "PENDING"
FIRST_NAME = 1 << 32  # sequences from here on are made of a row's content, those below are lines


class WrongTable(Exception):
    """Names file, line, column and what is wrong."""


class Row:
    """line: of the file. catalyst: as the API takes it. conditions, values: numbers by name; a value that is awaited is
    not there."""

    def __init__(self, line, catalyst, conditions, values):
        self.line = line
        self.catalyst = catalyst
        self.conditions = conditions
        self.values = values


def read(path, form, targets, conditions=(), ignore=()):
    """Rows of a table of another tool."""
    with open(path, newline="", encoding="utf-8-sig") as stream:
        records = [(i, r) for i, r in enumerate(csv.reader(stream), 1) if any(c.strip() for c in r)]
    if len(records) < 2:
        raise WrongTable(f"{path}: no rows")
    header = [c.strip() for c in records[0][1]]
    if len(set(header)) != len(header):
        raise WrongTable(f"{path}:1: two columns have the same name")
    for name in list(targets) + list(conditions) + list(ignore):
        if name not in header:
            raise WrongTable(f"{path}:1: no column \"{name}\"; there are: {', '.join(header)}")
    if form == "nimo" and header[-len(targets):] != list(targets):
        raise WrongTable(f"{path}:1: NIMO's objectives are the last columns; they are {', '.join(header[-len(targets):])}")
    roles = {}
    for name in header:
        if name in targets:
            roles[name] = "value"
        elif name in conditions:
            roles[name] = "condition"
        elif name in ignore or name in BOOKKEEPING[form]:
            roles[name] = "ignore"
        elif name in SYMBOLS:
            roles[name] = "amount"
        elif re.fullmatch(r"M\d+", name):
            roles[name] = "slot"
        elif name.lower() == "support":
            roles[name] = "support"
        elif name.startswith("support="):
            roles[name] = "one support"
        elif name.lower() in ("catalyst", "formula"):
            roles[name] = "name"
        else:
            raise WrongTable(f"{path}:1: column \"{name}\" is no part of a composition; name it with --condition, --target "
                             "or --ignore")
    rows = []
    for line, record in records[1:]:
        if len(record) != len(header):
            raise WrongTable(f"{path}:{line}: {len(record)} cells, {len(header)} in the header")
        rows.append(read_row(path, line, dict(zip(header, (c.strip() for c in record))), roles))
    return rows


def number(path, line, name, cell):
    try:
        value = float(cell)
    except ValueError:
        raise WrongTable(f"{path}:{line}: column \"{name}\": \"{cell}\" is no number") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise WrongTable(f"{path}:{line}: column \"{name}\": \"{cell}\" is not finite")
    return value


def read_row(path, line, cells, roles):
    amounts, slots, name, supports, conditions, values = {}, [], None, [], {}, {}
    has_slots = False
    for column, cell in cells.items():
        role = roles[column]
        if role == "amount":
            amount = number(path, line, column, cell or "0")
            if amount < 0:
                raise WrongTable(f"{path}:{line}: column \"{column}\": a negative amount")
            if amount > 0:
                amounts[column] = amount
        elif role == "slot":
            has_slots = True
            slots.append(cell or "none")
        elif role == "support":
            if cell and cell.lower() != "none":
                supports.append(cell)
        elif role == "one support":
            flag = number(path, line, column, cell or "0")
            if flag not in (0.0, 1.0):
                raise WrongTable(f"{path}:{line}: column \"{column}\": 0 or 1 is expected, not {cell}")
            if flag:
                supports.append(column[len("support="):])
        elif role == "name":
            name = cell
        elif role == "condition":
            conditions[column] = number(path, line, column, cell)
        elif role == "value" and cell and cell.upper() != PENDING:
            values[column] = number(path, line, column, cell)
    if len(supports) > 1:
        raise WrongTable(f"{path}:{line}: two supports, {supports[0]} and {supports[1]}")
    if name and not amounts and not has_slots:
        catalyst = name
    elif has_slots:
        catalyst = {"slots": slots}
    else:
        catalyst = {"amounts": amounts}
    if supports and isinstance(catalyst, dict):
        catalyst["support"] = supports[0]
    return Row(line, catalyst, conditions, values)


def api_rows(rows):
    """Measured rows as the API takes them. A row's name is made of its content, and equal rows are counted: so the order
    of the file does not matter."""
    made, seen = [], {}
    for row in rows:
        if not row.values:
            continue
        catalyst = row.catalyst if isinstance(row.catalyst, str) else key_of(row.catalyst)
        content = json.dumps([catalyst, row.conditions, row.values], sort_keys=True)
        seen[content] = seen.get(content, 0) + 1
        digest = hashlib.sha256(f"{content} {seen[content]}".encode()).digest()
        made.append({"catalyst": row.catalyst, "sequence": int.from_bytes(digest[:6], "big") + FIRST_NAME,
                     "values": row.values, **({"conditions": row.conditions} if row.conditions else {})})
    return made


def stored_rows(client, campaign, source, run):
    """Sequences of the live measurements of an earlier import, and what those that are named by their lines (as before
    0.6) hold: {sequence: [(key, conditions, {property: value})]}."""
    stored, token = {}, ""
    while True:
        page = client.request("GET", f"/v1/campaigns/{campaign}/measurements?live=true&limit=1000"
                              + (f"&page_token={token}" if token else ""))
        for m in page["measurements"]:
            if m["source"] == source and m["run"] == run and m["sequence"] is not None:
                _, _, values = stored.setdefault(m["sequence"], (m["catalyst"]["key"], m["conditions"] or {}, {}))
                values[m["property"]] = m["value"]
        token = page.get("next_page_token") or ""
        if not token:
            return stored


def without_stored(rows, stored):
    """The rows that an import by lines did not bring, and the sequences of those that it brought and are gone."""
    by_line = {s: json.dumps(content, sort_keys=True) for s, content in stored.items() if s < FIRST_NAME}
    fresh, now = [], set()
    for row in rows:
        now.add(row["sequence"])
        catalyst = row["catalyst"]
        key = catalyst if isinstance(catalyst, str) else key_of(catalyst)
        content = json.dumps((key, row.get("conditions", {}), row["values"]), sort_keys=True)
        known = next((s for s, there in by_line.items() if there == content), None)
        if known is None:
            fresh.append(row)
        else:
            del by_line[known]
    gone = sorted(set(by_line) | {s for s in stored if s >= FIRST_NAME and s not in now})
    return fresh, gone


def parse_key(key):
    """Canonical key -> ({symbol: amount}, support)."""
    actives, _, support = key.split("|")[0].partition("/")
    amounts = {}
    if actives not in ("-", ""):
        for part in actives.split(";"):
            symbol, _, amount = part.partition(":")
            amounts[symbol] = float(amount)
    return amounts, support


def key_of(catalyst):
    """The key of a row's catalyst, for catalysts that are not names: amounts to nine digits, as the daemon writes them."""
    amounts = {}
    for symbol in catalyst.get("slots", []):
        if symbol.lower() != "none":
            amounts[symbol] = amounts.get(symbol, 0) + 1
    amounts.update(catalyst.get("amounts", {}))
    key = ";".join(f"{s}:{amounts[s]:.9g}" for s in sorted(amounts)) or "-"
    return key + ("/" + catalyst["support"] if catalyst.get("support") else "")


def campaign_text(rows, name, targets, units, goals, batch):
    """A campaign file whose candidates are the rows."""
    catalysts = []
    for row in rows:
        text = row.catalyst if isinstance(row.catalyst, str) else key_of(row.catalyst)
        if text not in catalysts:
            catalysts.append(text)
    lines = ["format = 1", f"name = {json.dumps(name)}", ""]
    for target, unit, goal in zip(targets, units, goals):
        lines += ["[[targets]]", f"name = {json.dumps(target)}", f"unit = {json.dumps(unit)}", f"goal = {json.dumps(goal)}", ""]
    lines += ["[[space]]", 'kind = "list"', "catalysts = ["]
    lines += [f"  {json.dumps(c, ensure_ascii=False)}," for c in catalysts]
    lines += ["]", "", "[planner]", f"batch = {batch}", ""]
    levels = {}
    for row in rows:
        for condition, value in row.conditions.items():
            levels.setdefault(condition, set()).add(value)
    if levels:
        lines += ["[conditions]"] + [f"{json.dumps(c)} = {json.dumps(sorted(v))}" for c, v in levels.items()] + [""]
    return "\n".join(lines)


def write(stream, form, points, targets):
    """points: (key, conditions, {target: value} or None where it is awaited, batch number, to be done next)."""
    if form == "baybe":
        points = [p for p in points if p[2]]
    elements = sorted({s for p in points for s in parse_key(p[0])[0]})
    supports = sorted({parse_key(p[0])[1] for p in points} - {""})
    conditions = sorted({c for p in points for c in p[1]})
    support_columns = [f"support={s}" for s in supports] if form == "nimo" else ["Support"]
    header = elements + support_columns + conditions
    header += {"baybe": targets + ["BatchNr", "FitNr"], "edbo": targets + ["priority"]}.get(form, targets)
    out = csv.writer(stream, lineterminator="\n")
    out.writerow(header)
    missing = "" if form == "nimo" else PENDING
    for key, at, values, batch, following in points:
        amounts, support = parse_key(key)
        cells = [shortest(amounts.get(e, 0.0)) for e in elements]
        cells += [int(support == s) for s in supports] if form == "nimo" else [support or "none"]
        cells += [shortest(at[c]) if c in at else "" for c in conditions]
        cells += [shortest(values[t]) if values and t in values else missing for t in targets]
        if form == "baybe":
            cells += [batch, ""]
        if form == "edbo":
            cells.append(-1 if values else int(following))
        out.writerow(cells)


def shortest(value):
    return int(value) if value == int(value) and abs(value) < 1e15 else repr(value)


def points_of(client, campaign, targets):
    """Live measurements, one point a run (a run's values belong together), then open proposals."""
    runs, order = {}, []
    token = ""
    while True:
        page = client.request("GET", f"/v1/campaigns/{campaign}/measurements?live=true&limit=1000"
                              + (f"&page_token={token}" if token else ""))
        for m in page["measurements"]:
            if m["property"] not in targets or m.get("kind", "catalyst") not in ("catalyst", "reference"):
                continue
            at = (m["ingest"], m["source"], m["run"], m["channel"], m["sequence"], m["replicate"], m["catalyst"]["key"],
                  json.dumps(m["conditions"], sort_keys=True))
            # An unnamed run is told from the next of the same catalyst by the value that it has already.
            while at in runs and m["property"] in runs[at][2]:
                at = at + (None,)
            if at not in runs:
                order.append(at)
                runs[at] = (m["catalyst"]["key"], m["conditions"], {}, m["ingest"])
            runs[at][2][m["property"]] = m["value"]
        token = page.get("next_page_token") or ""
        if not token:
            break
    batches = {}
    points = []
    for at in order:
        key, conditions, values, ingest = runs[at]
        points.append((key, conditions, values, batches.setdefault(ingest, len(batches) + 1), False))
    for state in ("REQUESTED", "ACTIVE"):
        for proposal in client.proposals(campaign, state):
            points.append((proposal["catalyst"]["key"], proposal.get("conditions") or {}, None, 0, True))
    return points


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default=os.environ.get("KASETSU_URL", "http://127.0.0.1:8765"))
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("campaign", "import"):
        command = commands.add_parser(name)
        command.add_argument("--from", dest="form", choices=FORMATS, required=True)
        command.add_argument("file")
        command.add_argument("--condition", action="append", default=[], help="column of a condition")
        command.add_argument("--ignore", action="append", default=[], help="column to leave out")
        command.add_argument("--target", action="append", required=True, help="column of a result, in the file's order")
    commands.choices["campaign"].add_argument("--name", required=True)
    commands.choices["campaign"].add_argument("--unit", action="append", default=[], help="of each target (default: none)")
    commands.choices["campaign"].add_argument("--minimize", action="append", default=[], help="target to be made small")
    commands.choices["campaign"].add_argument("--batch", type=int, default=20)
    commands.choices["import"].add_argument("--campaign", required=True)
    commands.choices["import"].add_argument("--source", default="bridge")
    command = commands.add_parser("export")
    command.add_argument("--to", dest="form", choices=FORMATS, required=True)
    command.add_argument("--campaign", required=True)
    command.add_argument("--target", action="append", required=True)
    command.add_argument("--out", default="-")
    args = parser.parse_args(arguments)
    client = Client(args.url, client="bridge", token=os.environ.get("KASETSU_TOKEN"))
    if args.command == "export":
        points = points_of(client, args.campaign, args.target)
        if args.out == "-":
            write(sys.stdout, args.form, points, args.target)
        else:
            with open(args.out, "w", newline="", encoding="utf-8") as stream:
                write(stream, args.form, points, args.target)
        return
    rows = read(args.file, args.form, args.target, args.condition, args.ignore)
    if args.command == "campaign":
        units = args.unit + [""] * (len(args.target) - len(args.unit))
        goals = ["minimize" if t in args.minimize else "maximize" for t in args.target]
        print(campaign_text(rows, args.name, args.target, units, goals, args.batch), end="")
        return
    measured = api_rows(rows)
    run = os.path.splitext(os.path.basename(args.file))[0]
    counts = {}
    total = len(measured)
    lines = {row["sequence"]: line for row, line in zip(measured, [r.line for r in rows if r.values])}
    stored = stored_rows(client, args.campaign, args.source, run)
    measured, gone = without_stored(measured, stored)
    if total > len(measured):
        counts["duplicate"] = total - len(measured)
    for sequence in gone:
        key, conditions, values = stored[sequence]
        print(f"{args.file}: imported before and no longer in the file: {key} {conditions or ''} {values}; retract it when it "
              "was wrong", file=sys.stderr)
    for begin in range(0, len(measured), 5000):
        answer = client.post_measurements(args.campaign, args.source, run, measured[begin:begin + 5000])
        for row in answer["rows"]:
            counts[row["verdict"]] = counts.get(row["verdict"], 0) + 1
            if row["verdict"] == "quarantined":
                print(f"{args.file}:{lines[measured[begin + row['row']]['sequence']]}: {row['reason']}", file=sys.stderr)
    print(f"{len(rows)} rows, {total} measured: " + ", ".join(f"{n} {v}" for v, n in sorted(counts.items())))
    if counts.get("quarantined"):
        sys.exit(65)


if __name__ == "__main__":
    try:
        main()
    except (WrongTable, Refused) as problem:
        print(f"kasetsu_bridge: {problem}", file=sys.stderr)
        sys.exit(65)
