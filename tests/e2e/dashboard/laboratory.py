"""The laboratory of the dashboard's test: measures what the daemon proposes with the twin, over HTTP, and writes the tables that
a person would drop on a page.

laboratory.py table FILE             forty measured catalysts
laboratory.py measure URL CAMPAIGN   one batch: claims what is requested, measures it, sends it
laboratory.py fill FILE              fills the worksheet's last column (CSV or XLSX) with the twin's values
"""
import csv
import os
import shutil
import sys
import xml.etree.ElementTree as ElementTree
import zipfile

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


def values_of(rows):
    """What the twin measures of each row of a worksheet below its heading."""
    twin = virtual_lab.Twin(9)
    header = rows[0]
    support = header.index("Support")
    first = header.index("sample") + 1
    for row in rows[1:]:
        elements = [header[c] for c in range(first, support) for _ in range(round(float(row[c] or 0)))]
        yield f"{max(0.0, twin.truth(key_of(elements, row[support]))):.2f}"


def fill_csv(path):
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    for row, value in zip(rows[1:], values_of(rows)):
        row[-1] = value
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def fill_workbook(path):
    """As a spreadsheet program does: reads the first sheet, writes numbers into its last column."""
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    sheet = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        parts = {name: archive.read(name) for name in archive.namelist()}
    for name, text in parts.items():
        ElementTree.fromstring(text)
    assert "[Content_Types].xml" in parts and b"sheet1.xml" in parts["xl/_rels/workbook.xml.rels"]
    root = ElementTree.fromstring(parts[sheet])
    lines = [list(row) for row in root.iter(main + "row")]
    rows = [["".join(cell.itertext()) for cell in line] for line in lines]
    for line, value in zip(lines[1:], values_of(rows)):
        ElementTree.SubElement(line[-1], main + "v").text = value
    parts[sheet] = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    with zipfile.ZipFile(path + ".new", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    shutil.move(path + ".new", path)


if __name__ == "__main__":
    command = sys.argv[1]
    if command == "table":
        write_table(sys.argv[2])
    elif command == "measure":
        measure(sys.argv[2], sys.argv[3])
    elif command == "fill":
        (fill_workbook if sys.argv[2].endswith(".xlsx") else fill_csv)(sys.argv[2])
    else:
        raise SystemExit(__doc__)
