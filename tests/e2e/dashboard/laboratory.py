"""The laboratory of the dashboard's test: measures what the daemon proposes with the twin, over HTTP, and writes the tables that
a person would drop on a page.

laboratory.py table FILE             forty measured catalysts
laboratory.py measure URL CAMPAIGN   one batch: claims what is requested, measures it, sends it
laboratory.py fill FILE              fills the worksheet's last column with the twin's values
"""
import csv
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = os.path.join(HERE, "..", "..", "..", "drivers", "virtual_lab")
sys.path.insert(0, LAB)

import virtual_lab  # noqa: E402
from kasetsu_client import Client  # noqa: E402

METALS = ["Li", "Na", "K", "Mg", "Ca", "Mn", "W", "Cs"]


def key_of(elements, support):
    """The canonical key of a slots composition."""
    counts = {element: elements.count(element) for element in elements}
    return ";".join(f"{element}:{counts[element]}" for element in sorted(counts)) + "/" + support


def write_table(path):
    twin = virtual_lab.Twin(3)
    supports = ["MgO", "SiO2", "BaO", "La2O3"]
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["M1", "M2", "M3", "Support", "C2_yield", "operator"])
        known = set()
        for i in range(64):
            elements = [METALS[i % 8], METALS[(i * 3 + i // 8 + 1) % 8], METALS[(i * 5 + 2) % 8]]
            support = supports[(i + i // 8) % 4]
            key = key_of(elements, support)
            if key in known or len(known) == 40:
                continue
            known.add(key)
            writer.writerow(elements + [support, f"{max(0.0, twin.truth(key)):.2f}", "ada"])


def measure(url, campaign):
    client = Client(url, client="rig")
    proposals = client.proposals(campaign, state="REQUESTED")
    if not proposals:
        raise SystemExit("nothing is requested")
    rig = virtual_lab.Rig(client, campaign, virtual_lab.Twin(5))
    rig.batch(proposals)


def fill(path):
    twin = virtual_lab.Twin(9)
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    header = rows[0]
    support = header.index("Support")
    first = header.index("sample") + 1
    for row in rows[1:]:
        elements = [header[c] for c in range(first, support) for _ in range(round(float(row[c] or 0)))]
        row[-1] = f"{max(0.0, twin.truth(key_of(elements, row[support]))):.2f}"
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


if __name__ == "__main__":
    command = sys.argv[1]
    if command == "table":
        write_table(sys.argv[2])
    elif command == "measure":
        measure(sys.argv[2], sys.argv[3])
    elif command == "fill":
        fill(sys.argv[2])
    else:
        raise SystemExit(__doc__)
