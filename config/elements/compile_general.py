#!/usr/bin/python3
"""Compiles the default element table from data packages in Debian 12.

    config/elements/fetch_sources.sh build/element-packages
    config/elements/compile_general.py --packages build/element-packages

writes, beside itself, general.csv (H to Pu, no gaps), general_mask.csv (1 = filled, 0 = from a
source) and general_info.csv (unit, source, how gaps were filled and how well), and the figures in
docs/elements.md. The output is the same to the byte every time: standard library only, fixed order,
rounded numbers.

    --check           writes nothing; fails if the files on disk differ
    --compare FILE    prints how the table agrees with another one (the same CSV shape)
"""
import argparse
import ast
import csv
import gzip
import io
import json
import math
import pathlib
import re
import sys
import xml.etree.ElementTree
from operator import mul

HERE = pathlib.Path(__file__).resolve().parent
LAST = 94  # plutonium

HARTREE = 27.211386245988  # eV
KCAL = 4.184  # kJ
FARADAY = 96.48533212331  # kJ/mol of 1 eV
AVOGADRO = 0.602214076  # cm3/mol of 1 cubic angstrom
BOHR = 0.529177210903  # angstrom


class MissingPackages(Exception):
    pass


# ---------------------------------------------------------------------------------------------
# Reading. Each reader returns {symbol: value} or {symbol: record}; what a source does not know is
# absent.


def number(text):
    """First number in a source's text; None for "no data" and the like. A range gives its middle."""
    if isinstance(text, (int, float)):
        return float(text)
    if not isinstance(text, str):
        return None
    text = text.replace(",", ".").replace("(", " ").replace(")", " ").replace("~", " ").strip()
    found = re.match(r"[<>]?\s*(-?\d+(?:\.\d+)?(?:e-?\d+)?)(?:\s*-\s*(\d+(?:\.\d+)?))?", text)
    if not found:
        return None
    low = float(found.group(1))
    return (low + float(found.group(2))) / 2 if found.group(2) else low


def arithmetic(node):
    """A number, or a product, quotient or power of numbers, in a Python file."""
    if isinstance(node, ast.BinOp):
        a, b = arithmetic(node.left), arithmetic(node.right)
        return {ast.Mult: lambda: a * b, ast.Div: lambda: a / b, ast.Pow: lambda: a ** b}[type(node.op)]()
    return float(ast.literal_eval(node))


class Sources:
    """The packages' own files, read as text: none of the packages' code is run."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.pymatgen = json.loads(self.text("usr/lib/python3/dist-packages/pymatgen/core/periodic_table.json"))
        by_number = {int(record["Atomic no"]): symbol for symbol, record in self.pymatgen.items()}
        self.symbols = [by_number[z] for z in range(1, LAST + 1)]

    def path(self, pattern):
        found = sorted(self.root.glob(pattern))
        if not found:
            raise MissingPackages(f"{self.root / pattern} is missing: run config/elements/fetch_sources.sh first")
        return found[-1]

    def text(self, pattern):
        return self.path(pattern).read_text(encoding="utf-8")

    def assigned(self, pattern, name):
        """The expression assigned to a name in a Python file."""
        for node in ast.parse(self.text(pattern)).body:
            if isinstance(node, ast.Assign) and any(getattr(t, "id", None) == name for t in node.targets):
                return node.value
        raise ValueError(f"{name} is not in {pattern}")

    def gelemental(self):
        """data.cc of gelemental: one record a line, fields by their place in ElementData."""
        fields = {"density_solid": 8, "density_liquid": 9, "atomic_volume": 16, "lattice_type": 21, "lattice_edges": 23,
                  "lattice_angles": 24, "fusion_heat": 32, "vaporization_heat": 33, "specific_heat": 34, "debye": 36,
                  "melting_point": 30, "boiling_point": 31}
        table = {}
        for line in self.text("src/gelemental-*/libelemental/data.cc").splitlines():
            if not line.startswith("{\tN_("):
                continue
            cells = [cell.strip() for cell in line[1:].split(",\t")]
            record = {}
            for name, place in fields.items():
                cell = cells[place]
                # F (value, qualifier): an estimate, a computed value, or that of the longest-lived isotope.
                cell = re.sub(r"^F \(([^,]+),.*\)$", r"\1", cell)
                if cell.startswith("FL ("):
                    record[name] = [float(x) for x in re.findall(r"-?\d+\.\d+|-?\d+", cell)][1:]
                elif cell.startswith("LatticeType::"):
                    record[name] = cell.split("::")[1]
                elif not cell.startswith("Q_"):
                    record[name] = float(cell)
            if record.get("lattice_type") == "HEX":
                record["lattice_angles"] = [90.0, 90.0, 120.0]  # beryllium's are told as 90, 90, 90
            table[cells[2].strip('"')] = record
        return table

    def gperiodic(self):
        """table_data.h of gperiodic: strings by place, values in free text."""
        table = {}
        for line in self.text("src/gperiodic-*/table_data.h").splitlines():
            if re.match(r'\s*\{N_\("', line):
                cells = [a or b for a, b in re.findall(r'(?:N_\()*"((?:[^"\\]|\\.)*)"|\b(0x[0-9A-F]+)\b', line)]
                places = {"atomic_radius": 7, "evaporation_heat": 13, "debye": 15}
                table[cells[1]] = {k: v for k, place in places.items() if (v := number(cells[place]))}
        return table

    def fortran_block(self, pattern, name):
        """Numbers of a Fortran array constructor `name(...) = (/ ... /)`."""
        body = re.search(re.escape(name) + r"\([\d:]+\) = \(/(.*?)/\)", self.text(pattern), re.S).group(1)
        return [float(x.replace("_DP", "")) for x in re.findall(r"\d+\.\d+_DP", body)]

    def tkatchenko_scheffler(self):
        """Free-atom polarisability (bohr^3), C6 (hartree bohr^6), van der Waals radius (bohr)."""
        text = self.text("src/qe-*/Modules/tsvdw.f90")
        cases = re.findall(r"CASE \('(\w+)'\)\s+alpha=([\d.]+)_DP\s+C6=([\d.]+)_DP\s+R0=([\d.]+)_DP", text)
        return {s: tuple(float(x) for x in values) for s, *values in cases if s in self.symbols}

    def atomisation_heats(self):
        """Enthalpy of formation of the gaseous atom at 298 K, kcal/mol (MOPAC 7)."""
        found = re.findall(r"DATA EHEAT\((\d+)\s*\)\s*/\s*(-?[\d.]+)D0/", self.text("src/mopac7-*/fortran/block.f"))
        return {self.symbols[int(z) - 1]: float(v) for z, v in found if int(z) <= LAST}

    def radii_cordero_pyykko(self):
        """Cordero's radius, then Pyykko's single, double and triple bond radii, angstrom."""
        text = ast.literal_eval(
            self.assigned("usr/lib/python3/dist-packages/periodictable/covalent_radius.py", "CorderoPyykko"))
        table = {}
        for line in text.splitlines():
            cells = line.split()
            if cells and cells[0].isdigit() and int(cells[0]) <= LAST:
                table[cells[1]] = [None if c == "-" else float(c.split("(")[0]) for c in cells[2:]] + [None] * 3
        return table

    def ase_array(self, file, name):
        """A one-dimensional np.array([...]) of ASE, by atomic number."""
        values = []
        for node in self.assigned("usr/lib/python3/dist-packages/ase/data/" + file, name).args[0].elts:
            values.append(None if isinstance(node, (ast.Attribute, ast.Name)) else float(ast.literal_eval(node)))
        return {s: values[z + 1] for z, s in enumerate(self.symbols) if values[z + 1] is not None}

    def ase_lattices(self):
        """Lattice constant a in angstrom, where the element's reference state is a crystal."""
        table = {}
        for symbol, node in zip([None] + self.symbols,
                                self.assigned("usr/lib/python3/dist-packages/ase/data/__init__.py",
                                              "reference_states").elts):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values):
                    if ast.literal_eval(key) == "a":
                        table[symbol] = arithmetic(value)
        return table

    def uff(self):
        """Universal force field: x1 (angstrom), D1 (kcal/mol), Xi and Hard (eV); first type of an element."""
        table = {}
        for line in self.text("usr/share/openbabel/*/UFF.prm").splitlines():
            cells = line.split()
            if cells[:1] == ["param"] and len(cells) >= 13:
                symbol = cells[1][:2].rstrip("_0123456789")
                if symbol in self.symbols and symbol not in table:
                    table[symbol] = {"x1": float(cells[4]), "D1": float(cells[5]),
                                     "Xi": float(cells[10]), "Hard": float(cells[11])}
        return table

    def bodr_affinity(self):
        table = {}
        spaces = {"c": "http://www.xml-cml.org/schema"}
        for atom in xml.etree.ElementTree.parse(self.path("usr/share/bodr/elements.xml")).getroot().iterfind(
                "c:atom", spaces):
            for scalar in atom.iterfind("c:scalar", spaces):
                if scalar.get("dictRef") == "bo:electronAffinity":
                    table[atom.get("id")] = float(scalar.text)
        return table

    def concentration(self):
        """Herfindahl-Hirschman indices of production and of reserves."""
        rows = [line.split(",") for line in self.text("usr/lib/python3/dist-packages/pymatgen/analysis/hhi_data.csv")
                .splitlines() if line and not line.startswith("#")]
        return {r[0]: (number(r[1]), number(r[2])) for r in rows}

    def compounds(self):
        """Experimental formation enthalpies of solids: ({symbol: count}, eV per formula unit)."""
        raw = gzip.decompress(
            self.path("usr/lib/python3/dist-packages/pymatgen/entries/exp_compounds.json.gz").read_bytes())
        found = []
        for record in json.loads(raw):
            parts = re.findall(r"([A-Z][a-z]?)(\d*)", record["formula"])
            if "".join(a + b for a, b in parts) == record["formula"]:
                found.append(({a: int(b or 1) for a, b in parts}, float(record["exp energy"])))
        return found

    def ground_states(self):
        """Energy per atom of the element's ground state in VASP with PBE, eV (Materials Project)."""
        raw = gzip.decompress(
            self.path("usr/lib/python3/dist-packages/pymatgen/entries/calc_compounds.json.gz").read_bytes())
        table = {}
        for record in json.loads(raw).values():
            if len(record["composition"]) == 1:
                (symbol, count), = record["composition"].items()
                table[symbol] = float(record["energy"]) / float(count)
        return table

    def gibbs_300(self):
        """G(300 K) - H(298 K) of the element's reference state, eV per atom."""
        return json.loads(self.text("usr/lib/python3/dist-packages/pymatgen/entries/data/g_els.json"))["300"]


# ---------------------------------------------------------------------------------------------
# Electrons, by counting.

SHELLS = {"s": 2, "p": 6, "d": 10, "f": 14}
NOBLE = {"He": 2, "Ne": 10, "Ar": 18, "Kr": 36, "Xe": 54, "Rn": 86}


def valence_shells(structure):
    """"[Ar].3d<sup>6</sup>.4s<sup>2</sup>" -> [(3, "d", 6), (4, "s", 2)]"""
    return [(int(n), l, int(count)) for n, l, count in re.findall(r"(\d)([spdf])<sup>(\d+)</sup>", structure)]


def all_shells(symbol, structures):
    """Every occupied shell of an atom: those of its noble-gas core, then its own."""
    core = re.match(r"\[(\w+)\]", structures[symbol])
    inner = all_shells(core.group(1), structures) if core else []
    return inner + valence_shells(structures[symbol])


def period_of(z):
    return next(p for p, last in enumerate((2, 10, 18, 36, 54, 86, 118), start=1) if z <= last)


def group_of(z):
    """Column 1 to 18; lanthanides and actinides stand in column 3."""
    period = period_of(z)
    place = z - (0, 0, 2, 10, 18, 36, 54, 86)[period]
    if period == 1:
        return 1 if place == 1 else 18
    if period in (2, 3):
        return place if place <= 2 else place + 10
    if period in (4, 5):
        return place
    return place if place <= 2 else max(3, place - 14)


def periphery_charge(z, shells):
    """Slater's effective charge on a probe electron in the outermost s/p shell, all electrons counted
    (the convention of Allred and Rochow): 0.35 for the shell itself, 0.85 for the next, 1 for the rest."""
    outer = period_of(z)
    screening = 0.0
    for n, _, count in shells:
        screening += count * (0.35 if n == outer else 0.85 if n == outer - 1 else 1.0)
    return z - screening


def sackur_tetrode(weight):
    """Standard entropy of a monatomic gas at 298.15 K and 1 bar, J/(mol K); weight in u."""
    return 8.314462618 * (1.5 * math.log(weight) + 2.5 * math.log(298.15) - 1.1517078)


def cell_volume(edges, angles):
    """Cubic angstroms from picometres and degrees."""
    a, b, c = (x / 100 for x in edges)
    x, y, z = (math.cos(math.radians(t)) for t in angles)
    return a * b * c * math.sqrt(1 - x * x - y * y - z * z + 2 * x * y * z)


# ---------------------------------------------------------------------------------------------
# The columns.


class Column:
    """One property: its values where known, by symbol."""

    def __init__(self, name, unit, source, values, description, logarithmic=False):
        self.name, self.unit, self.source, self.description = name, unit, source, description
        self.logarithmic = logarithmic  # gaps are predicted on log10: the values span decades and are positive
        self.known = {s: float(v) for s, v in values.items() if v is not None and math.isfinite(v)}
        if logarithmic and any(v <= 0 for v in self.known.values()):
            raise ValueError(f"{name}: a value that is not positive cannot be filled on a logarithmic scale")


def compile_columns(src):
    symbols = src.symbols
    z_of = {s: z for z, s in enumerate(symbols, start=1)}
    table = src.pymatgen
    structures = {s: table[s]["Electronic structure"] for s in symbols}
    shells = {s: all_shells(s, structures) for s in symbols}
    valence = {s: valence_shells(structures[s]) for s in symbols}
    for s in symbols:
        assert sum(count for _, _, count in shells[s]) == z_of[s], s
    columns = []

    def add(name, unit, source, values, description, logarithmic=False):
        columns.append(Column(name, unit, source, values, description, logarithmic))
        return columns[-1].known

    def pymatgen(key, scale=1.0):
        found = {s: number(table[s].get(key)) for s in symbols}
        return {s: v * scale for s, v in found.items() if v is not None}

    add("atomic_number", "-", "pymatgen", z_of, "Number of protons")
    weight = add("atomic_weight", "u", "pymatgen", pymatgen("Atomic mass"),
                 "Standard atomic weight; mass of the longest-lived isotope where there is none")
    add("period", "-", "counted", {s: period_of(z) for s, z in z_of.items()}, "Row of the periodic table")
    add("group", "-", "counted", {s: group_of(z) for s, z in z_of.items()},
        "Column of the periodic table, 1 to 18; lanthanides and actinides in 3")
    add("mendeleev_number", "-", "pymatgen", pymatgen("Mendeleev no"), "Pettifor's chemical scale as an order")

    def electrons(s, letter):
        return sum(count for _, l, count in valence[s] if l == letter)

    def unfilled(s, letter):
        count = electrons(s, letter)
        return SHELLS[letter] - count if count else 0

    note = "of the ground-state configuration outside the noble-gas core"
    add("num_valance", "electrons", "counted", {s: sum(c for _, _, c in valence[s]) for s in symbols},
        f"Electrons {note} (XenonPy's spelling)")
    add("num_unfilled", "electrons", "counted", {s: sum(unfilled(s, l) for l in SHELLS) for s in symbols},
        f"Free places in the begun shells {note}")
    for letter in SHELLS:
        add(f"num_{letter}_valence", "electrons", "counted", {s: electrons(s, letter) for s in symbols},
            f"{letter} electrons {note}")
        add(f"num_{letter}_unfilled", "electrons", "counted", {s: unfilled(s, letter) for s in symbols},
            f"Free places in the begun {letter} shell {note}")
    # Lead's term is given in jj coupling, "(1/2,1/2)0": two p electrons, a triplet in LS coupling.
    spins = {s: int(m.group(1)) - 1 for s in symbols if (m := re.match(r"(\d+)[A-Z]", table[s]["Ground level"]))}
    spins["Pb"] = spins["Sn"]
    add("num_unpaired", "electrons", "pymatgen (ground level)", spins,
        "Unpaired electrons of the free atom, from its spectroscopic ground level")

    ionisation = {s: table[s]["Ionization energies"] for s in symbols}
    first = {}
    for place, name in enumerate(("first_ion_en", "second_ion_en", "third_ion_en")):
        values = {s: e[place] for s, e in ionisation.items() if len(e) > place and e[place]}
        known = add(name, "eV", "pymatgen (NIST)", values, f"{name.split('_')[0].capitalize()} ionisation energy")
        first = first or known
    affinity = {s: float(table[s]["Electron affinity"]) for s in symbols}
    # Unbound anions are estimates of one decimal; the source runs their uncertainty into the number:
    # "-0.5(2)" is there as -0.52.
    affinity = {s: round(v, 1) if v <= -0.1 else v for s, v in affinity.items()}
    affinity["H"] = src.bodr_affinity()["H"]  # pymatgen's is deuterium's
    add("electron_affinity", "eV", "pymatgen; bodr (H)", affinity, "Electron affinity; negative: the anion is unbound")
    add("en_pauling", "Pauling", "pymatgen", {s: v for s, v in pymatgen("X").items()}, "Pauling's electronegativity")

    radii = src.radii_cordero_pyykko()
    single = {s: r[1] * 100 for s, r in radii.items() if r[1]}
    charge = {s: periphery_charge(z_of[s], shells[s]) for s in symbols}
    add("zeff_slater", "e", "counted", charge,
        "Slater's effective nuclear charge at the atom's periphery (all electrons screen)")
    add("en_allred_rochow", "-", "derived",
        {s: 3590 * charge[s] / single[s] ** 2 + 0.744 for s in single},
        "Allred and Rochow: 3590 Zeff/r^2 + 0.744, r Pyykko's single-bond radius in pm")
    add("en_mulliken", "eV", "derived", {s: (first[s] + affinity[s]) / 2 for s in symbols},
        "Mulliken: half the sum of ionisation energy and electron affinity")
    uff = src.uff()
    add("en_gmp", "eV", "openbabel (UFF)", {s: r["Xi"] for s, r in uff.items()},
        "Generalised Mulliken-Pauling electronegativity of the universal force field")

    orbitals = {s: table[s].get("Atomic orbitals") or {} for s in symbols}
    shell_energies = {s: [(e[f"{n}{l}"] * HARTREE, count) for n, l, count in valence[s] if f"{n}{l}" in e]
                      for s, e in orbitals.items() if e}

    def active(s, l):
        group = group_of(z_of[s])
        return l in "sp" or (l == "d" and 3 <= group <= 12) or (l == "f" and group == 3)

    active_energies = {s: [(e[f"{n}{l}"] * HARTREE, c) for n, l, c in valence[s] if f"{n}{l}" in e and active(s, l)]
                       for s, e in orbitals.items() if e}
    add("orbital_energy_highest", "eV", "pymatgen (NIST LDA)",
        {s: max(e for e, _ in v) for s, v in shell_energies.items() if v}, "Highest occupied orbital of the free atom")
    add("orbital_energy_mean", "eV", "pymatgen (NIST LDA)",
        {s: sum(e * c for e, c in v) / sum(c for _, c in v) for s, v in active_energies.items() if v},
        "Mean orbital energy of the valence electrons of the free atom: outermost s and p, d to group 12, f in group 3")

    states = {s: [0] + (table[s].get("Oxidation states") or []) for s in symbols}
    common = {s: [0] + (table[s].get("Common oxidation states") or []) for s in symbols}
    add("oxidation_state_max", "-", "pymatgen", {s: max(v) for s, v in states.items()}, "Highest oxidation state")
    add("oxidation_state_min", "-", "pymatgen", {s: min(v) for s, v in states.items()},
        "Lowest oxidation state (0 where none is negative)")
    add("oxidation_state_common", "-", "pymatgen", {s: max(v) for s, v in common.items()},
        "Highest common oxidation state (0 where none is positive)")
    add("num_oxidation_states", "-", "pymatgen", {s: len(set(v)) for s, v in states.items()},
        "Number of known oxidation states, the element itself among them")

    gperiodic = src.gperiodic()

    def gper(key):
        return {s: r[key] for s, r in gperiodic.items() if s in z_of and key in r}

    add("atomic_radius", "pm", "gperiodic", gper("atomic_radius"),
        "Atomic radius: metallic for metals, middle of the range where one is told")
    add("covalent_radius_cordero", "pm", "periodictable", {s: r[0] * 100 for s, r in radii.items() if r[0]},
        "Covalent radius (Cordero; low spin)")
    for place, bond in enumerate(("", "_double", "_triple"), start=1):
        add(f"covalent_radius_pyykko{bond}", "pm", "periodictable",
            {s: r[place] * 100 for s, r in radii.items() if r[place]},
            f"Covalent radius (Pyykko), {bond[1:] or 'single'} bond")
    add("covalent_radius_slater", "pm", "pymatgen", pymatgen("Atomic radius", 100), "Empirical atomic radius (Slater)")
    cations = {}
    for s in symbols:
        found = {int(float(k)): v for k, v in (table[s].get("Ionic radii") or {}).items() if int(float(k)) > 0}
        if found:
            cations[s] = (max(found), found[max(found)] * 100, found[min(found)] * 100)
    add("cation_radius_highest", "pm", "pymatgen (Shannon)", {s: v[1] for s, v in cations.items()},
        "Shannon's crystal radius in the highest oxidation state listed")
    add("cation_radius_lowest", "pm", "pymatgen (Shannon)", {s: v[2] for s, v in cations.items()},
        "Shannon's crystal radius in the lowest positive oxidation state listed")
    add("ionic_potential", "e/angstrom", "derived", {s: v[0] * 100 / v[1] for s, v in cations.items()},
        "Charge over radius of the cation in the highest oxidation state listed", True)
    add("vdw_radius", "pm", "pymatgen", pymatgen("Van der waals radius", 100), "Van der Waals radius")
    add("vdw_radius_alvarez", "pm", "ase",
        {s: v * 100 for s, v in src.ase_array("vdw_alvarez.py", "vdw_radii").items()},
        "Van der Waals radius (Alvarez)")
    add("vdw_radius_uff", "pm", "openbabel (UFF)", {s: r["x1"] * 100 for s, r in uff.items()},
        "Van der Waals radius of the universal force field")
    add("vdw_depth_uff", "kcal/mol", "openbabel (UFF)", {s: r["D1"] for s, r in uff.items()},
        "Van der Waals well depth of the universal force field", True)
    handbook = src.fortran_block("src/qe-*/PW/src/xdm_dispersion.f90", "alpha_free")
    add("Polarizability", "angstrom^3", "espresso (CRC handbook)", dict(zip(symbols, handbook)),
        "Static dipole polarisability of the free atom (XenonPy's spelling)", True)
    free = src.tkatchenko_scheffler()
    add("dipole_polarizability", "bohr^3", "espresso (Tkatchenko-Scheffler)", {s: v[0] for s, v in free.items()},
        "Static dipole polarisability of the free atom", True)
    add("c6_ts", "hartree bohr^6", "espresso (Tkatchenko-Scheffler)", {s: v[1] for s, v in free.items()},
        "Dispersion coefficient of the free atom", True)

    gelemental = src.gelemental()

    def gel(key, scale=1.0):
        return {s: r[key] * scale for s, r in gelemental.items() if s in z_of and key in r}

    molecules = "per mole of atoms; of molecules for H, N, O, F, Cl, Br and I"
    add("melting_point", "K", "pymatgen; gelemental", {**gel("melting_point"), **pymatgen("Melting point")},
        "Melting point (helium's under pressure)", True)
    add("boiling_point", "K", "pymatgen; gelemental", {**gel("boiling_point"), **pymatgen("Boiling point")},
        "Boiling point, or sublimation point", True)
    add("fusion_enthalpy", "kJ/mol", "gelemental", gel("fusion_heat"),
        f"Heat of fusion, {molecules}", True)
    atomisation = {s: v * KCAL for s, v in src.atomisation_heats().items()}
    evaporation = {**gper("evaporation_heat"), **gel("vaporization_heat"), "C": atomisation["C"]}
    evaporation["Ir"] = gperiodic["Ir"]["evaporation_heat"]  # gelemental repeats indium's
    add("evaporation_heat", "kJ/mol", "gelemental; gperiodic (As and Ir); mopac7 (C)", evaporation,
        f"Heat of vaporisation, {molecules}; carbon's is of sublimation", True)
    add("heat_of_formation", "kJ/mol", "mopac7", atomisation,
        "Enthalpy of formation of the gaseous atom at 298 K")
    heat = gel("specific_heat")
    add("heat_capacity_mass", "J/(g K)", "gelemental", heat, "Specific heat capacity at 298 K", True)
    add("heat_capacity_molar", "J/(mol K)", "derived", {s: heat[s] * weight[s] for s in heat},
        "Heat capacity at 298 K per mole of atoms: specific heat times atomic weight")
    entropy = {s: -v * FARADAY * 1000 / 300 for s, v in src.gibbs_300().items() if s in z_of}
    for s in NOBLE:
        entropy[s] = sackur_tetrode(weight[s])
    add("entropy_standard", "J/(mol K)", "pymatgen; derived (noble gases)", entropy,
        "Standard entropy of the reference state per mole of atoms, from G(300 K) - H(298 K); Sackur-Tetrode for "
        "noble gases")
    add("thermal_conductivity", "W/(m K)", "pymatgen", pymatgen("Thermal conductivity"), "Thermal conductivity", True)
    add("electrical_resistivity_log10", "log10(1e-8 ohm m)", "pymatgen",
        {s: math.log10(v) for s, v in resistivities(table, symbols).items()}, "Electrical resistivity, decades")
    add("debye_temperature", "K", "gelemental; gperiodic", {**gper("debye"), **gel("debye")}, "Debye temperature", True)
    add("linear_expansion_coefficient", "1e-6/K", "pymatgen", pymatgen("Coefficient of linear thermal expansion"),
        "Coefficient of linear thermal expansion", True)

    volumes = pymatgen("Molar volume")
    density = {**{s: weight[s] / v for s, v in volumes.items()}, **gel("density_liquid"), **gel("density_solid"),
               **pymatgen("Density of solid", 0.001)}
    add("density", "g/cm3", "pymatgen; gelemental", density,
        "Density of the solid, else of the liquid, else atomic weight over molar volume", True)
    add("molar_volume", "cm3/mol", "pymatgen", volumes, "Molar volume of the condensed element", True)
    add("atomic_volume", "cm3/mol", "gelemental", gel("atomic_volume"), "Atomic volume", True)
    cells = {}
    for s, record in gelemental.items():
        if s in z_of and "lattice_edges" in record and s in density:
            volume = cell_volume(record["lattice_edges"], record["lattice_angles"])
            # Whole atoms in the cell, from the density.
            count = round(volume * density[s] * AVOGADRO / weight[s])
            if count > 0 and abs(volume / count * density[s] * AVOGADRO / weight[s] - 1) < 0.15:
                cells[s] = volume / count
    add("icsd_volume", "angstrom^3", "gelemental (lattice)", cells,
        "Volume an atom in the crystal: cell volume over the whole number of atoms that the density tells", True)
    lattice = {s: v for s, v in src.ase_lattices().items()}
    add("lattice_constant", "angstrom", "ase", lattice, "Lattice constant a of the reference crystal")
    add("sound_velocity", "m/s", "pymatgen", pymatgen("Velocity of sound"), "Velocity of sound", True)
    add("bulk_modulus", "GPa", "pymatgen", pymatgen("Bulk modulus"), "Bulk modulus", True)
    add("youngs_modulus", "GPa", "pymatgen", pymatgen("Youngs modulus"), "Young's modulus", True)
    add("brinell_hardness", "MPa", "pymatgen", pymatgen("Brinell hardness"), "Brinell hardness", True)
    add("mineral_hardness", "Mohs", "pymatgen", pymatgen("Mineral hardness"), "Hardness on the scale of minerals", True)

    add("gs_energy", "eV/atom", "pymatgen (Materials Project)",
        {s: v for s, v in src.ground_states().items() if s in z_of},
        "Energy of the ground state in density functional theory (VASP, PBE) against its pseudo-atom")

    compounds = src.compounds()
    for anion, name, refused in (("O", "oxide", "F"), ("S", "sulfide", "OF"), ("Cl", "chloride", "OF")):
        best = {}
        each = {}
        for parts, energy in compounds:
            others = [s for s in parts if s != anion]
            # Formulas with large numbers are solid solutions written as integers.
            if anion not in parts or len(others) != 1 or max(parts.values()) > 40 or others[0] in refused:
                continue
            s = others[0]
            if s in z_of:
                best[s] = min(best.get(s, math.inf), energy * FARADAY / parts[anion])
                each[s] = min(each.get(s, math.inf), energy * FARADAY / parts[s])
        add(f"{name}_enthalpy", "kJ/mol", "pymatgen (experimental)", best,
            f"Formation enthalpy of the most stable binary {name}, per mole of {anion}")
        if anion == "O":
            add("oxide_enthalpy_per_cation", "kJ/mol", "pymatgen (experimental)", each,
                "Formation enthalpy of the most exothermic binary oxide, per mole of the element")

    scarcity = src.concentration()
    add("hhi_p", "-", "pymatgen", {s: v[0] for s, v in scarcity.items() if s in z_of},
        "Herfindahl-Hirschman index of production")
    add("hhi_r", "-", "pymatgen", {s: v[1] for s, v in scarcity.items() if s in z_of},
        "Herfindahl-Hirschman index of reserves")
    return symbols, columns


def resistivities(table, symbols):
    """In 1e-8 ohm m; insulators are told as "&gt; 10<sup>n</sup> 10<sup>-8</sup>"."""
    found = {}
    for s in symbols:
        text = table[s].get("Electrical resistivity", "no data").replace("&gt;", "").replace("about", "").strip()
        power = re.match(r"10<sup>(\d+)</sup>", text)
        value = 10.0 ** int(power.group(1)) if power else number(text)
        if value:
            found[s] = value
    del found["P"]  # told as a good metal's; the white form is an insulator
    return found


# ---------------------------------------------------------------------------------------------
# Filling: the mean of a Gaussian process over all columns that are complete so far. Columns with
# fewest gaps are filled first and then help the others.

KERNELS = [(length, noise) for length in (None, 0.7, 1.5) for noise in (0.03, 0.1, 0.3, 1.0)]


def dot(a, b):
    return math.fsum(map(mul, a, b))


def inverse(matrix):
    """Gauss-Jordan without pivoting: the matrices here are positive definite."""
    n = len(matrix)
    rows = [list(row) + [1.0 if i == j else 0.0 for j in range(n)] for i, row in enumerate(matrix)]
    for k in range(n):
        pivot = 1.0 / rows[k][k]
        rows[k] = top = [x * pivot for x in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                factor = rows[i][k]
                rows[i] = [x - factor * t for x, t in zip(rows[i], top)]
    return [row[n:] for row in rows]


def standardised(values):
    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / len(values))
    return [(v - mean) / deviation for v in values]


def fill(column, symbols, predictors):
    """Predicts a column's gaps. Returns ({symbol: value}, summary)."""
    scale = math.log10 if column.logarithmic else float
    back = (lambda v: 10.0 ** v) if column.logarithmic else float
    rows = {s: [p[i] for p in predictors] for i, s in enumerate(symbols)}
    known = [s for s in symbols if s in column.known]
    raw = [scale(column.known[s]) for s in known]
    mean = math.fsum(raw) / len(raw)
    deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in raw) / len(raw))
    target = [(v - mean) / deviation for v in raw]
    count = len(predictors)
    low, high = min(raw), max(raw)
    inner = {(a, b): dot(rows[a], rows[b]) / count for a in symbols for b in known}

    def kernel(a, b, length):
        value = 10.0 + inner[a, b]  # a constant nearly free, and a linear part
        if length:
            distance = inner[a, a] if (a, a) in inner else dot(rows[a], rows[a]) / count
            distance += inner[b, b] - 2 * inner[a, b]
            value += math.exp(-max(distance, 0.0) / (2 * length * length))
        return value

    best = None
    for length, noise in KERNELS:
        gram = [[kernel(a, b, length) + (noise if a == b else 0.0) for b in known] for a in known]
        inv = inverse(gram)
        weights = [dot(row, target) for row in inv]
        # Leave-one-out, exactly: residual_i = weight_i / inverse_ii.
        left_out = [t - w / inv[i][i] for i, (t, w) in enumerate(zip(target, weights))]
        left_out = [min(max(v * deviation + mean, low), high) for v in left_out]
        error = math.fsum(abs(a - b) for a, b in zip(left_out, raw)) / len(raw)
        if best is None or error < best[0] - 1e-12:
            best = (error, length, noise, weights, left_out)
    _, length, noise, weights, left_out = best

    filled = {}
    for s in symbols:
        if s not in column.known:
            value = dot([kernel(s, b, length) for b in known], weights) * deviation + mean
            filled[s] = back(min(max(value, low), high))
    truth = [back(v) for v in raw]
    errors = [abs(back(p) - t) for p, t in zip(left_out, truth)]
    # The yardstick: the mean of the other elements instead of a model.
    total = math.fsum(raw)
    plain = [back((total - v) / (len(raw) - 1)) for v in raw]
    baseline = math.fsum(abs(p - t) for p, t in zip(plain, truth)) / len(truth)
    mae = math.fsum(errors) / len(errors)
    middle = sorted(e / abs(t) for e, t in zip(errors, truth) if t)
    residual = math.fsum((p - v) ** 2 for p, v in zip(left_out, raw))
    spread = math.fsum((v - mean) ** 2 for v in raw)
    kind = "linear" if length is None else f"linear + gaussian of length {length}"
    return filled, {
        "scale": "log10" if column.logarithmic else "linear",
        "method": f"gaussian process; {kind}; noise {noise}",
        "mae": mae, "baseline": baseline,
        "median": middle[len(middle) // 2] if middle else 0.0,
        "r2": 1 - residual / spread,
    }


def fill_all(symbols, columns):
    """{column: ({symbol: value}, summary)} for columns with gaps."""
    complete = [c for c in columns if len(c.known) == len(symbols)]
    gaps = sorted((c for c in columns if len(c.known) < len(symbols)), key=lambda c: (-len(c.known), c.name))

    def predictor(column, values):
        scale = math.log10 if column.logarithmic else float
        return standardised([scale(values[s]) for s in symbols])

    predictors = [predictor(c, c.known) for c in complete]
    result = {}
    for column in gaps:
        result[column.name] = filled, _ = fill(column, symbols, predictors)
        predictors.append(predictor(column, {**column.known, **filled}))
    return result


# ---------------------------------------------------------------------------------------------
# Writing.


def shown(value, digits):
    """Shortest decimal of a number rounded to significant digits."""
    text = repr(float(f"{value:.{digits}g}"))
    return text[:-2] if text.endswith(".0") else text


def csv_text(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def outputs(symbols, columns, fills):
    """{file name: text}"""
    names = [c.name for c in columns]
    values, mask = [["symbol"] + names], [["symbol"] + names]
    for s in symbols:
        row, marks = [s], [s]
        for c in columns:
            if s in c.known:
                row.append(shown(c.known[s], 8))
                marks.append(0)
            else:
                row.append(shown(fills[c.name][0][s], 5))
                marks.append(1)
        values.append(row)
        mask.append(marks)
    info = [["property", "unit", "source", "n_known", "n_filled", "fill_scale", "fill_method", "loo_mae",
             "loo_mae_of_mean", "loo_median_relative_error", "loo_r2", "description"]]
    for c in columns:
        row = [c.name, c.unit, c.source, len(c.known), len(symbols) - len(c.known)]
        if c.name in fills:
            f = fills[c.name][1]
            row += [f["scale"], f["method"], shown(f["mae"], 3), shown(f["baseline"], 3), shown(f["median"], 3),
                    shown(f["r2"], 3)]
        else:
            row += ["", "", "", "", "", ""]
        info.append(row + [c.description])
    return {"general.csv": csv_text(values), "general_mask.csv": csv_text(mask), "general_info.csv": csv_text(info)}


BEGIN = "<!-- figures by config/elements/compile_general.py -->"
END = "<!-- end of figures -->"


def figures(symbols, columns, fills):
    """The part of docs/elements.md that is computed."""
    cells = len(symbols) * len(columns)
    filled = sum(len(symbols) - len(c.known) for c in columns)
    ordered = sorted(fills, key=lambda n: fills[n][1]["r2"])
    middle = sorted(fills[n][1]["r2"] for n in fills)[len(fills) // 2]
    worst = ", ".join("`{}` ({:.2f})".format(n, fills[n][1]["r2"]) for n in ordered[:3])
    lines = [BEGIN, "",
             f"{len(columns)} properties of {len(symbols)} elements: {cells} values, of which {filled} "
             f"({100 * filled / cells:.1f} %) are filled. {len(columns) - len(fills)} properties have no gap. Median "
             f"leave-one-out R2 of the filled properties: {middle:.2f}. Worst: {worst}.",
             "", "| property | unit | source | filled | leave-one-out error | of the mean | R2 | what |",
             "|---|---|---|---|---|---|---|---|"]
    for c in columns:
        f = fills.get(c.name, (None, None))[1]
        cell = [f"{shown(f['mae'], 3)}", f"{shown(f['baseline'], 3)}", f"{f['r2']:.2f}"] if f else ["", "", ""]
        lines.append("| " + " | ".join([f"`{c.name}`", c.unit, c.source, str(len(symbols) - len(c.known))] + cell +
                                       [c.description]) + " |")
    return "\n".join(lines + ["", END])


def compare(symbols, columns, other_file):
    """How the known values agree with another table's, column by column."""
    other = {row["symbol"]: row for row in csv.DictReader(open(other_file, encoding="utf-8"))}
    for c in columns:
        pairs = []
        for s in symbols:
            text = other.get(s, {}).get(c.name)
            if s in c.known and text not in (None, "", "nan"):
                pairs.append((s, c.known[s], float(text)))
        if len(pairs) < 3:
            continue
        a, b = [p[1] for p in pairs], [p[2] for p in pairs]
        ma, mb = math.fsum(a) / len(a), math.fsum(b) / len(b)
        va, vb = math.fsum((x - ma) ** 2 for x in a), math.fsum((x - mb) ** 2 for x in b)
        r = math.fsum((x - ma) * (y - mb) for x, y in zip(a, b)) / math.sqrt(va * vb) if va * vb > 0 else 1.0
        same = sum(1 for x, y in zip(a, b) if abs(x - y) <= 0.02 * abs(y) + 1e-12)
        worst = sorted(pairs, key=lambda p: -abs(p[1] - p[2]) / (abs(p[2]) + 1e-9))[:4]
        print(f"{c.name:30} n {len(pairs):3}  r {r:7.4f}  within 2 %: {same:3}  worst: " +
              ", ".join(f"{s} {x:.4g} ({y:.4g})" for s, x, y in worst))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", default=str(HERE.parent.parent / "build" / "element-packages"),
                        help="folder of fetch_sources.sh (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="write nothing, fail if the files on disk differ")
    parser.add_argument("--compare", metavar="FILE", help="another table to compare with")
    options = parser.parse_args()
    try:
        symbols, columns = compile_columns(Sources(options.packages))
    except MissingPackages as missing:
        print(missing, file=sys.stderr)
        return 3
    if options.compare:
        compare(symbols, columns, options.compare)
        return 0
    fills = fill_all(symbols, columns)
    files = {HERE / name: text for name, text in outputs(symbols, columns, fills).items()}
    page = HERE.parent.parent / "docs" / "elements.md"
    if page.exists():
        text = page.read_text(encoding="utf-8")
        start, stop = text.index(BEGIN), text.index(END) + len(END)
        files[page] = text[:start] + figures(symbols, columns, fills) + text[stop:]
    different = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if options.check:
        for path in different:
            print(f"{path} is not what the sources give", file=sys.stderr)
        return 1 if different else 0
    for path in different:
        path.write_text(files[path], encoding="utf-8")
    print(f"{len(columns)} properties, {len(symbols)} elements, "
          f"{sum(len(symbols) - len(c.known) for c in columns)} cells filled; {len(different)} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
