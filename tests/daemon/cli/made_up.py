"""Made-up tables for the tests of the command line."""
import csv
import random

SMALL_ELEMENTS = "symbol,weight,radius,volume\n" + "".join(
    f"{s},{w},{r},{v}\n" for s, w, r, v in [
        ("Li", 6.9, 152, 13), ("Na", 23, 186, 23.7), ("K", 39.1, 227, 45.3), ("Mg", 24.3, 160, 14), ("Mn", 54.9, 127, 7.4),
        ("Fe", 55.8, 126, 7.1), ("Pd", 106.4, 137, 8.9), ("Rh", 102.9, 134, 8.3), ("Pt", 195.1, 139, 9.1),
        ("W", 183.8, 139, 9.5), ("O", 16, 60, 14), ("Si", 28.1, 111, 12.1), ("Ti", 47.9, 147, 10.6)])


def read_csv(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))
    return rows[0], rows[1:]


def alloys(rows=36):
    """A made-up table: a property that is linear in one element property's average, with a little noise."""
    draw = random.Random(5)
    radius = {"Pd": 137, "Rh": 134, "Pt": 139, "Fe": 126, "Mn": 127, "Mg": 160, "Ti": 147}
    lines = ["name," + ",".join(radius) + ",activity"]
    for i in range(rows):
        members = draw.sample(sorted(radius), 3)
        amounts = {m: draw.choice([1, 2, 3]) for m in members}
        total = sum(amounts.values())
        mean = sum(radius[m] * n for m, n in amounts.items()) / total
        lines.append(f"c{i}," + ",".join(str(amounts.get(m, 0) / total) for m in radius)
                     + f",{3 * mean + draw.gauss(0, 0.5):.6f}")
    return "\n".join(lines) + "\n"
