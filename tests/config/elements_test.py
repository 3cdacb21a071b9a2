"""The default element table: shape, units, facts known from elsewhere, and that the script gives what is committed."""
import csv
import math
import os
import pathlib
import re
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(sys.argv[1]).resolve()
FOLDER = SOURCE / "config" / "elements"
PACKAGES = pathlib.Path(os.environ.get("KASETSU_ELEMENT_PACKAGES", SOURCE / "build" / "element-packages"))

SYMBOLS = """H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr
Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu
Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu""".split()
NOBLE = ("He", "Ne", "Ar", "Kr", "Xe", "Rn")
ALKALI = ("Li", "Na", "K", "Rb", "Cs")


def rows(name):
    with open(FOLDER / name, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


class ElementTable(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        table, mask = rows("general.csv"), rows("general_mask.csv")
        cls.raw, cls.raw_mask = table, mask
        cls.names = table[0][1:]
        cls.value = {r[0]: dict(zip(cls.names, map(float, r[1:]))) for r in table[1:]}
        cls.filled = {r[0]: dict(zip(cls.names, r[1:])) for r in mask[1:]}
        with open(FOLDER / "general_info.csv", encoding="utf-8", newline="") as file:
            cls.info = list(csv.DictReader(file))

    def column(self, name, known_only=True):
        return {s: v[name] for s, v in self.value.items() if not known_only or self.filled[s][name] == "0"}

    # Shape

    def test_every_element_and_at_least_forty_properties(self):
        self.assertEqual([r[0] for r in self.raw[1:]], SYMBOLS)
        self.assertGreaterEqual(len(self.names), 40)
        self.assertEqual(len(set(self.names)), len(self.names))
        self.assertEqual(self.raw[0][0], "symbol")
        for name in self.names:
            self.assertRegex(name, r"^[A-Za-z][A-Za-z0-9_]*$")

    def test_no_gaps(self):
        for row in self.raw:
            self.assertEqual(len(row), len(self.names) + 1, row[0])
        for symbol, values in self.value.items():
            for name, value in values.items():
                self.assertTrue(math.isfinite(value), f"{symbol} {name}")

    def test_no_column_is_constant_or_the_copy_of_another(self):
        seen = {}
        for name in self.names:
            values = tuple(self.value[s][name] for s in SYMBOLS)
            self.assertGreater(len(set(values)), 1, name)
            self.assertNotIn(values, seen, f"{name} equals {seen.get(values)}")
            seen[values] = name

    def test_mask_and_information_fit(self):
        self.assertEqual(self.raw_mask[0], self.raw[0])
        self.assertEqual([r[0] for r in self.raw_mask], [r[0] for r in self.raw])
        self.assertEqual([i["property"] for i in self.info], self.names)
        for entry in self.info:
            name = entry["property"]
            marks = [self.filled[s][name] for s in SYMBOLS]
            self.assertLessEqual(set(marks), {"0", "1"})
            self.assertEqual(marks.count("1"), int(entry["n_filled"]), name)
            self.assertEqual(marks.count("0"), int(entry["n_known"]), name)
            self.assertGreaterEqual(int(entry["n_known"]), 47, f"{name}: more than half of it is filled")
            for key in ("unit", "source", "description"):
                self.assertTrue(entry[key], f"{name} has no {key}")
            told = [bool(entry[key]) for key in ("fill_method", "loo_mae", "loo_mae_of_mean", "loo_r2")]
            self.assertEqual(set(told), {int(entry["n_filled"]) > 0}, name)

    def test_filling_beats_the_mean_and_stays_in_range(self):
        for entry in self.info:
            if int(entry["n_filled"]):
                name = entry["property"]
                self.assertLess(float(entry["loo_mae"]), float(entry["loo_mae_of_mean"]), name)
                known = self.column(name).values()
                for s, v in self.column(name, known_only=False).items():
                    margin = 1e-4 * abs(v)
                    self.assertTrue(min(known) - margin <= v <= max(known) + margin, f"{s} {name} {v}")

    def test_what_is_positive_is_positive(self):
        signed = {"electron_affinity", "electrical_resistivity_log10", "oxidation_state_min", "gs_energy",
                  "heat_of_formation", "oxidation_state_max", "oxidation_state_common"}
        for name in self.names:
            if name in signed or name.startswith("num_") or name.endswith("_enthalpy") or "_energy_" in name \
                    or name == "oxide_enthalpy_per_cation":
                continue
            self.assertGreater(min(self.column(name, False).values()), 0, name)

    # Facts from textbooks, typed here by hand, not from the sources.

    def test_facts(self):
        facts = [
            ("W", "melting_point", 3695, 10), ("Fe", "melting_point", 1811, 2), ("Hg", "melting_point", 234.3, 0.5),
            ("Li", "melting_point", 453.7, 1), ("P", "melting_point", 317.3, 1),
            ("N", "boiling_point", 77.36, 0.3), ("Au", "boiling_point", 3129, 30), ("Be", "boiling_point", 2742, 20),
            ("F", "en_pauling", 3.98, 0.005), ("Cs", "en_pauling", 0.79, 0.01), ("O", "en_pauling", 3.44, 0.005),
            ("Pt", "en_pauling", 2.28, 0.01),
            ("Au", "atomic_weight", 196.9666, 0.001), ("O", "atomic_weight", 15.999, 0.001),
            ("H", "first_ion_en", 13.598, 0.001), ("Li", "first_ion_en", 5.392, 0.001),
            ("Cs", "first_ion_en", 3.894, 0.001), ("He", "second_ion_en", 54.418, 0.002),
            ("Mg", "second_ion_en", 15.035, 0.002), ("Al", "third_ion_en", 28.448, 0.002),
            ("Cl", "electron_affinity", 3.6127, 0.0005), ("F", "electron_affinity", 3.4012, 0.0005),
            ("H", "electron_affinity", 0.7542, 0.0001), ("O", "electron_affinity", 1.4611, 0.0005),
            ("Fe", "density", 7.874, 0.02), ("Os", "density", 22.6, 0.1), ("Pb", "density", 11.34, 0.02),
            ("Cu", "thermal_conductivity", 400, 5), ("Ag", "thermal_conductivity", 429, 3),
            ("Fe", "heat_capacity_mass", 0.449, 0.002), ("Cu", "heat_capacity_molar", 24.44, 0.1),
            ("Fe", "evaporation_heat", 345, 10), ("W", "fusion_enthalpy", 50, 5), ("C", "evaporation_heat", 715, 5),
            ("Ir", "evaporation_heat", 590, 30),
            ("C", "heat_of_formation", 716.7, 3), ("H", "heat_of_formation", 218.0, 0.3),
            ("O", "heat_of_formation", 249.2, 0.3),
            ("Ag", "entropy_standard", 42.6, 0.3), ("Ar", "entropy_standard", 154.85, 0.02),
            ("He", "entropy_standard", 126.15, 0.02), ("O", "entropy_standard", 205.15 / 2, 0.5),
            ("Cu", "lattice_constant", 3.61, 0.01), ("Si", "lattice_constant", 5.43, 0.01),
            ("Cu", "icsd_volume", 3.615 ** 3 / 4, 0.05), ("Fe", "icsd_volume", 2.866 ** 3 / 2, 0.05),
            ("Be", "icsd_volume", 8.11, 0.05), ("Si", "icsd_volume", 5.431 ** 3 / 8, 0.05),
            ("W", "youngs_modulus", 411, 5), ("Fe", "bulk_modulus", 170, 5), ("Cu", "bulk_modulus", 140, 5),
            ("Fe", "covalent_radius_cordero", 132, 1), ("C", "covalent_radius_pyykko", 75, 0.5),
            ("O", "vdw_radius_alvarez", 150, 0.5), ("Au", "vdw_radius_alvarez", 232, 20),
            ("H", "Polarizability", 0.6668, 0.0002), ("Na", "Polarizability", 24.1, 0.1),
            ("H", "dipole_polarizability", 4.5, 0.01), ("H", "c6_ts", 6.5, 0.05),
            ("Mg", "oxide_enthalpy", -601.6, 3), ("Al", "oxide_enthalpy", -1675.7 / 3, 4),
            ("Ce", "oxide_enthalpy_per_cation", -1090, 10), ("Na", "chloride_enthalpy", -411.2, 3),
            ("Zn", "sulfide_enthalpy", -205, 8),
            ("Pt", "debye_temperature", 240, 15), ("Cu", "electrical_resistivity_log10", math.log10(1.7), 0.03),
            ("Fe", "oxidation_state_max", 6, 0), ("Mn", "oxidation_state_max", 7, 0),
            ("Ar", "oxidation_state_max", 0, 0),
            ("C", "oxidation_state_min", -4, 0), ("Ti", "oxidation_state_common", 4, 0),
            ("Fe", "num_unpaired", 4, 0), ("Gd", "num_unpaired", 8, 0), ("Pd", "num_unpaired", 0, 0),
            ("Pd", "num_d_valence", 10, 0), ("Cu", "num_d_valence", 10, 0), ("Hf", "num_f_valence", 14, 0),
        ]
        for symbol, name, truth, within in facts:
            self.assertEqual(self.filled[symbol][name], "0", f"{symbol} {name} is filled")
            self.assertAlmostEqual(self.value[symbol][name], truth, delta=within + 1e-9, msg=f"{symbol} {name}")

    def test_rows_and_columns_of_the_periodic_table(self):
        counts = {}
        for s in SYMBOLS:
            counts[self.value[s]["period"]] = counts.get(self.value[s]["period"], 0) + 1
        self.assertEqual(counts, {1: 2, 2: 8, 3: 8, 4: 18, 5: 18, 6: 32, 7: 8})
        self.assertEqual([self.value[s]["atomic_number"] for s in SYMBOLS], list(range(1, 95)))
        for group, members in ((1, ("H",) + ALKALI), (2, ("Be", "Mg", "Ca", "Sr", "Ba", "Ra")),
                               (3, ("Sc", "Y", "La", "Lu", "U")), (4, ("Ti", "Zr", "Hf")),
                               (8, ("Fe", "Ru", "Os")), (10, ("Ni", "Pd", "Pt")),
                               (11, ("Cu", "Ag", "Au")), (13, ("B", "Al", "Tl")), (17, ("F", "I", "At")), (18, NOBLE)):
            for s in members:
                self.assertEqual(self.value[s]["group"], group, s)
        self.assertEqual(sorted(self.column("mendeleev_number").values())[0], 1)
        self.assertEqual(len(set(self.column("mendeleev_number").values())), 94)

    def test_electrons_add_up(self):
        core = {1: 0, 2: 2, 3: 10, 4: 18, 5: 36, 6: 54, 7: 86}
        for s in SYMBOLS:
            v = self.value[s]
            by_shell = {l: v[f"num_{l}_valence"] for l in "spdf"}
            self.assertEqual(sum(by_shell.values()), v["num_valance"], s)
            self.assertEqual(v["num_valance"] + core[v["period"]], v["atomic_number"], s)
            self.assertEqual(sum(v[f"num_{l}_unfilled"] for l in "spdf"), v["num_unfilled"], s)
            for l, places in (("s", 2), ("p", 6), ("d", 10), ("f", 14)):
                self.assertLessEqual(by_shell[l], places)
                self.assertEqual(v[f"num_{l}_unfilled"], places - by_shell[l] if by_shell[l] else 0, s)
            # As many unpaired electrons as the open places and electrons allow, and of the right parity.
            self.assertEqual(v["num_unpaired"] % 2, v["num_valance"] % 2, s)
            self.assertLessEqual(v["num_unpaired"], sum(min(by_shell[l], v[f"num_{l}_unfilled"]) for l in "spdf"), s)

    # Laws

    def test_orders_that_hold(self):
        for s in SYMBOLS:
            v, known = self.value[s], {n: m == "0" for n, m in self.filled[s].items()}
            self.assertLess(v["first_ion_en"], v["second_ion_en"], s)
            if known["third_ion_en"]:
                self.assertLess(v["second_ion_en"], v["third_ion_en"], s)
            # Arsenic sublimes and helium has no ordinary melting point, so neither tells anything here.
            if s not in ("As", "He"):
                self.assertLess(v["melting_point"], v["boiling_point"] + 1e-9, s)
            self.assertLessEqual(v["oxidation_state_min"], 0, s)
            self.assertLessEqual(v["oxidation_state_common"], v["oxidation_state_max"], s)
            self.assertGreaterEqual(v["num_oxidation_states"], 1, s)
            if known["covalent_radius_pyykko_double"]:
                self.assertLess(v["covalent_radius_cordero"] * 0.5, v["covalent_radius_pyykko_double"], s)
            self.assertLess(v["oxide_enthalpy"], 0, s)
            self.assertLess(v["orbital_energy_mean"], v["orbital_energy_highest"] + 1e-9, s)
        for a, b in zip(ALKALI, ALKALI[1:]):  # down the first group
            self.assertGreater(self.value[a]["first_ion_en"], self.value[b]["first_ion_en"])
            self.assertGreaterEqual(self.value[a]["en_pauling"], self.value[b]["en_pauling"])
            self.assertGreater(self.value[a]["melting_point"], self.value[b]["melting_point"])
            self.assertLess(self.value[a]["covalent_radius_cordero"], self.value[b]["covalent_radius_cordero"])
            self.assertLess(self.value[a]["vdw_radius_alvarez"], self.value[b]["vdw_radius_alvarez"])
            self.assertLess(self.value[a]["icsd_volume"], self.value[b]["icsd_volume"])
        row = SYMBOLS[SYMBOLS.index("Li"):SYMBOLS.index("Ne")]
        for a, b in zip(row, row[1:]):  # along the second row
            self.assertLess(self.value[a]["en_pauling"], self.value[b]["en_pauling"])
            self.assertLess(self.value[a]["zeff_slater"], self.value[b]["zeff_slater"])
            self.assertGreater(self.value[a]["Polarizability"], self.value[b]["Polarizability"])
        lanthanides = SYMBOLS[SYMBOLS.index("La"):SYMBOLS.index("Hf")]
        trivalent = [s for s in lanthanides if s not in ("Ce", "Pr", "Tb")]  # the others have a tetravalent ion
        contraction = [self.value[s]["cation_radius_highest"] for s in trivalent]
        self.assertEqual(contraction, sorted(contraction, reverse=True))

    def test_quantities_that_are_tied(self):
        for s in SYMBOLS:
            v, known = self.value[s], {n: m == "0" for n, m in self.filled[s].items()}
            self.assertAlmostEqual(v["en_mulliken"], (v["first_ion_en"] + v["electron_affinity"]) / 2, places=5)
            # Dulong and Petit: solids that are not too light or too hard, far above their Debye temperature.
            if known["heat_capacity_molar"] and known["debye_temperature"] and v["debye_temperature"] < 250 \
                    and v["melting_point"] > 298 and s != "I":
                self.assertAlmostEqual(v["heat_capacity_molar"], 26.5, delta=6, msg=s)
            if known["molar_volume"] and known["density"] and v["melting_point"] > 298:
                self.assertAlmostEqual(v["density"] * v["molar_volume"] / v["atomic_weight"], 1, delta=0.12, msg=s)
            if known["icsd_volume"] and known["density"] and v["melting_point"] > 298:
                atoms = v["icsd_volume"] * 0.602214 * v["density"] / v["atomic_weight"]
                self.assertAlmostEqual(atoms, 1, delta=0.15, msg=s)
            if known["dipole_polarizability"]:  # the same quantity in other units, from another source
                ratio = v["dipole_polarizability"] * 0.148185 / v["Polarizability"]
                self.assertTrue(0.6 < ratio < 1.6, f"{s} {ratio}")
            if known["evaporation_heat"] and known["heat_of_formation"] and v["heat_of_formation"] and \
                    v["boiling_point"] > 1500 and s != "C":
                ratio = (v["evaporation_heat"] + v["fusion_enthalpy"]) / v["heat_of_formation"]
                self.assertTrue(0.65 < ratio < 1.3, f"{s} {ratio}")
        for name in ("en_pauling", "en_mulliken", "en_allred_rochow", "en_gmp"):
            values = {s: v for s, v in self.column(name).items() if s not in NOBLE}
            self.assertEqual(max(values, key=values.get), "F", name)

    # The script

    def test_committed_tables_are_what_the_script_gives(self):
        command = [sys.executable, "-B", str(FOLDER / "compile_general.py"), "--check", "--packages", str(PACKAGES)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 3:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_page_shows_the_tables_figures(self):
        page = (SOURCE / "docs" / "elements.md").read_text(encoding="utf-8")
        filled = sum(int(i["n_filled"]) for i in self.info)
        self.assertIn(f"{len(self.names)} properties of {len(SYMBOLS)} elements", page)
        self.assertIn(f"of which {filled} ", page)
        for entry in self.info:
            cells = (f"`{entry['property']}`", entry["unit"], entry["source"], entry["n_filled"])
            self.assertIn("| " + " | ".join(cells) + " |", page)


CHARGES = {"H": 1, "Na": 1, "Mg": 2, "Ca": 2, "Ba": 2, "Al": 3, "La": 3, "Y": 3, "Gd": 3, "Sm": 3, "Si": 4, "Ti": 4,
           "Zr": 4, "Ce": 4, "Nb": 5, "P": 5, "S": 6, "Fe": 2, "O": -2, "C": 4}


class Supports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows("supports.csv")
        cls.formula = {r[0]: cls.parts(r[1]) for r in cls.rows[1:]}

    @staticmethod
    def parts(formula):
        found = re.findall(r"([A-Z][a-z]?)(\d*\.?\d*)", formula)
        assert "".join(a + b for a, b in found) == formula, formula
        return {a: float(b or 1) for a, b in found}

    def test_shape(self):
        self.assertEqual(self.rows[0], ["support_name", "formula", "source"])
        self.assertGreaterEqual(len(self.rows) - 1, 40)
        self.assertEqual(len(self.formula), len(self.rows) - 1, "a name twice")
        for row in self.rows[1:]:
            self.assertEqual(len(row), 3, row)
            self.assertTrue(all(row), row)
            self.assertLessEqual(set(self.formula[row[0]]), set(SYMBOLS), row)
            self.assertNotIn(row[0], SYMBOLS, "a name that is an element's symbol would hide it")
            self.assertNotIn("/", row[0], "the last / of a catalyst's name begins its support")

    def test_zeolites_follow_the_rule(self):
        seen = 0
        for name, _, source in self.rows[1:]:
            ratio = re.search(r"SAR ([\d.]+)", source)
            if ratio:
                parts = self.formula[name]
                self.assertAlmostEqual(parts["Si"] / parts["Al"] * 2, float(ratio.group(1)), delta=0.01, msg=name)
                self.assertAlmostEqual(parts["Si"] + parts["Al"], 1, places=6, msg=name)
                self.assertEqual(parts["O"], 2, name)
                counter_ion = "Na" if "Na form" in source else "H"
                self.assertEqual(parts[counter_ion], parts["Al"], name)
                seen += 1
        self.assertGreater(seen, 15)

    def test_oxides_are_neutral(self):
        organic = {"UiO-66", "MIL-101", "ZIF-8", "HKUST-1"}
        seen = 0
        for name, parts in self.formula.items():
            if "O" in parts and name not in organic:
                charge = sum(CHARGES[s] * n for s, n in parts.items())
                self.assertAlmostEqual(charge, 0, delta=2e-6 * sum(parts.values()) + 1e-6, msg=name)
                seen += 1
        self.assertGreater(seen, 60)

    def test_usual_names_are_there(self):
        for name in ("ZSM-5", "BEA", "USY", "MOR", "SBA-15", "MCM-41", "silica gel", "gamma-Al2O3", "P25", "AC", "CNT",
                     "hydroxyapatite", "hydrotalcite", "spinel", "h-BN", "SiCnf", "g-C3N4"):
            self.assertIn(name, self.formula)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
