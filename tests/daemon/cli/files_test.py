"""The commands that describe and check files, through the real program; those that learn from files: learning_test.py."""
import math
import unittest

from made_up import SMALL_ELEMENTS, alloys, read_csv
from program import ProgramTest, relative_difference, shared

XENONPY = "elements/xenonpy_elements_completed.csv"
TWC = "catalysts/afe_twc_51.csv"
OCM = "catalysts/afe_ocm_171.csv"

PUBLISHED = ["(en_pauling_max)^3", "1/ln(icsd_volume_min)", "1/ln(sound_velocity_var)", "sqrt(hhi_p_var)",
             "ln(thermal_conductivity_gmean)", "dipole_polarizability_var", "vdw_radius_alvarez_avg",
             "exp(vdw_radius_alvarez_avg)"]
FORMS = {"(en_pauling_max)^3": ("en_pauling_max", lambda x: x ** 3),
         "1/ln(icsd_volume_min)": ("icsd_volume_min", lambda x: 1 / math.log(x)),
         "1/ln(sound_velocity_var)": ("sound_velocity_var", lambda x: 1 / math.log(x)),
         "sqrt(hhi_p_var)": ("hhi_p_var", math.sqrt),
         "ln(thermal_conductivity_gmean)": ("thermal_conductivity_gmean", math.log),
         "dipole_polarizability_var": ("dipole_polarizability_var", lambda x: x),
         "vdw_radius_alvarez_avg": ("vdw_radius_alvarez_avg", lambda x: x),
         "exp(vdw_radius_alvarez_avg)": ("vdw_radius_alvarez_avg", math.exp)}


class Featurize(ProgramTest):
    def compare(self, table, target, oracle, loading, raw, extra=()):
        """Must-show 3: columns and values of the authors' script, through the program."""
        out = str(self.folder / "out.csv")
        arguments = ["featurize", shared(table), "--elements", shared(XENONPY), "--method", "afe", "--order", "0",
                     "--target", target, "--out", out, *extra]
        if loading:
            arguments += ["--loading", loading]
        if raw:
            arguments.append("--raw")
        answer = self.json(*arguments)
        header, rows = read_csv(out)
        oracle_header, oracle_rows = read_csv(shared(f"featurizer_oracles/afe/{oracle}.csv"))
        self.assertEqual(header[1:], oracle_header[1:])
        self.assertEqual(answer["names"], oracle_header[1:-1])
        self.assertEqual(answer["n_descriptors"], len(oracle_header) - 2)
        self.assertEqual(answer["n_samples"], len(oracle_rows))
        self.assertEqual(len(rows), len(oracle_rows))
        worst = max(relative_difference(float(a), float(b)) for ours, theirs in zip(rows, oracle_rows)
                    for a, b in zip(ours[1:], theirs[1:]) if math.isfinite(float(b)))
        self.assertLess(worst, 1e-9)

    def test_equals_the_authors_script(self):
        for flag, loading in (("flag0", "variable"), ("flag1", "constant")):
            for table, target, name in ((TWC, "T50(NO)", "TWC"), (OCM, "C2y", "OCM")):
                for raw in (False, True):
                    with self.subTest(flag=flag, name=name, raw=raw):
                        self.compare(table, target, f"{name}_{flag}_{'raw' if raw else 'treated'}", loading, raw)

    def test_loading_is_told_from_the_table(self):
        self.compare(TWC, "T50(NO)", "TWC_flag1_treated", None, False)

    def test_orders_and_shapes(self):
        elements = self.file("e.csv", SMALL_ELEMENTS)
        data = self.file("d.csv", "M1,M2,M3,Support,y\nLi,Na,none,TiO2,1\nLi,Li,Mn,SiO2,2\nnone,none,none,SiO2,0\n")
        zero = self.json("featurize", data, "--elements", elements, "--order", "0", "--target", "y")
        one = self.json("featurize", data, "--elements", elements, "--order", "1", "--target", "y")
        self.assertEqual(zero["n_samples"], 3)
        self.assertEqual(zero["n_descriptors"], len(zero["names"]))
        self.assertGreater(one["n_descriptors"], zero["n_descriptors"])
        self.assertTrue(set(zero["names"]) <= set(one["names"]))
        text = self.ok("featurize", data, "--elements", elements, "--order", "0").stdout.splitlines()
        self.assertEqual(len(text), 4)
        self.assertEqual(len(text[0].split(",")), zero["n_descriptors"] + 1)

    def test_products(self):
        elements = self.file("e.csv", SMALL_ELEMENTS)
        data = self.file("alloys.csv", alloys())
        common = ["featurize", data, "--elements", elements, "--method", "afe", "--out", "o.csv"]
        self.assertIn('--target "activity"', self.refused(2, *common, "--order", "2"))
        answer = self.json(*common, "--order", "2", "--products", "30", "--target", "activity")
        first = self.json(*common, "--order", "1")["names"]
        products = answer["names"][len(first):]
        self.assertEqual(answer["names"][:len(first)], first)
        self.assertEqual(len(products), 30)
        self.assertGreater(answer["products_screened"], 1000)
        self.ok(*common, "--order", "2", "--products", "30", "--target", "activity")
        header, rows = read_csv(self.folder / "o.csv")
        for name in products:
            self.assertEqual(name.count("|"), 1)
            left, right = (header.index(part) for part in name.split("|"))
            for row in rows:
                product = float(row[left]) * float(row[right])
                self.assertLess(relative_difference(product, float(row[header.index(name)])), 1e-12)

    def test_reads_standard_input(self):
        elements = self.file("e.csv", SMALL_ELEMENTS)
        answer = self.json("featurize", "-", "--elements", elements, stdin="Pd,Rh\n1,2\n2,1\n")
        self.assertEqual(answer["n_samples"], 2)
        self.assertIn("standard input:2", self.refused(65, "featurize", "-", "--elements", elements,
                                                       stdin="Pd,Rh\n1,x\n2,1\n"))


class Loo(ProgramTest):
    def published(self, *extra):
        return self.json("loo", shared(TWC), "--target", "T50(NO)", "--elements", shared(XENONPY), "--method", "afe",
                         "--loading", "constant", "--descriptors", *PUBLISHED, *extra)

    def test_published_three_way_model(self):
        # METHOD section 3: least absolute deviations 11.05 in training and 12.46 in leave-one-out, Huber 13.75.
        least = self.published("--epsilon", "1")
        self.assertAlmostEqual(least["mae_train"], 11.05, delta=0.01)
        self.assertAlmostEqual(least["mae_cv"], 12.46, delta=0.01)
        huber = self.published()
        self.assertAlmostEqual(huber["mae_cv"], 13.75, delta=0.01)

    def test_coefficients_and_residuals_belong_together(self):
        answer = self.published()
        header, rows = read_csv(shared("featurizer_oracles/afe/TWC_flag1_treated.csv"))
        error = 0.0
        for row in rows:
            value = answer["intercept"]
            for coefficient, text in zip(answer["coefficients"], PUBLISHED):
                name, form = FORMS[text]
                value += coefficient * form(float(row[header.index(name)]))
            error += abs(value - float(row[-1])) / len(rows)
        self.assertAlmostEqual(error, answer["mae_train"], delta=1e-6)
        self.assertEqual(len(answer["residuals"]), len(rows))
        self.assertAlmostEqual(sum(map(abs, answer["residuals"])) / len(rows), answer["mae_cv"], delta=1e-9)

    def test_text_for_people(self):
        text = self.ok("loo", shared(TWC), "--target", "T50(NO)", "--elements", shared(XENONPY), "--method", "afe",
                       "--loading", "constant", "--descriptors", *PUBLISHED).stdout
        self.assertIn("(en_pauling_max)^3", text)
        self.assertIn("mean absolute error", text)

    def test_refusals(self):
        elements = self.file("e.csv", SMALL_ELEMENTS)
        data = self.file("d.csv", "name,Pd,Rh,a,b\n" + "".join(f"r{i},{i},{10 - i},{i * i},x{i}\n" for i in range(1, 9)))
        message = self.refused(2, "loo", data, "--elements", elements, "--descriptors", "weight_avg")
        self.assertIn('--target "a"', message)
        message = self.refused(65, "loo", data, "--elements", elements, "--target", "a", "--descriptors", "wieght_avg")
        self.assertIn("weight_avg", message)
        message = self.refused(65, "loo", data, "--elements", elements, "--target", "aa", "--descriptors", "weight_avg")
        self.assertIn('did you mean "a"', message)
        self.assertIn("epsilon", self.refused(2, "loo", data, "--elements", elements, "--target", "a", "--epsilon", "0.5",
                                              "--descriptors", "weight_avg"))


class WrongInput(ProgramTest):
    """Must-show 7: file, line, column, value and what was expected; exit code 65; nothing half-written."""

    CASES = [
        ("M1,M2,Support,y\nLi,Na,SiO2,1\nLi,Xx,SiO2,2\n", ["d.csv:3", '"M2"', '"Xx"', "chemical symbol"]),
        ("M1,MM2,Support,y\nLi,Na,SiO2,1\n", ["d.csv:1", '"MM2"', "did you mean M2"]),
        ("M1,M 2,M3,y\nLi,Na,K,1\n", ["d.csv:1", '"M 2"', "M2"]),
        ("M1,m2,M3,y\nLi,Na,K,1\n", ["d.csv:1", '"m2"', "M2"]),
        ("Pd,Rh,y\n1,2,3\n1,2,abc\n", ["d.csv:3", '"y"', '"abc"', "finite number"]),
        ("Pd,Rh,y\n1,2,nan\n", ["d.csv:2", '"y"', "nan", "finite number"]),
        ("Pd,Rh,y\n1,inf,2\n", ["d.csv:1", '"Rh"', '"inf"', "amount"]),
        ("Pd,Rh,y\n1,2\n", ["d.csv:2", "2 cells", "3"]),
        ("Pd,Rh,y\n1,2,3,4\n", ["d.csv:2", "4 cells", "3"]),
        ("", ["d.csv", "empty", "header"]),
        ("Pd,Rh,y\n", ["d.csv:1", "no rows"]),
        ("Pd,Rh,yield\n1,2,3\n", ["d.csv:1", '"y"', "yield"]),
        ("Pd,Rh,Pd,y\n1,2,3,4\n", ["d.csv:1", "same name", '"Pd"']),
        ("Pd,Rh,y\n1,-2,3\n", ["d.csv:2", '"Rh"', '"-2"', "at least 0"]),
        ("Pd,Rh,y\n0,0,3\n", ["d.csv:2", "no element"]),
        ("Pd,Rh,y\n,,3\n", ["d.csv:2", "no element"]),
        ("Pd;Rh;y\n1;2\n", ["d.csv:2", "2 cells", "3"]),
        ("Pd,Xx,y\n1,2,3\n", ["d.csv:1", '"Xx"', "unknown element"]),
        ("M1,Support,y\nLi,Unobtainite7x,3\n", ["d.csv:2", '"Support"', "Unobtainite7x"]),
        (b"Pd,Rh,y\n1,\xe9,3\n", ["d.csv:2", "UTF-8"]),
        ("Pd,Rh,y\n1,2,x\n".encode("utf-16"), ["d.csv:2", '"x"']),
        ('Pd,Rh,y\n1,"2,3\n', ["d.csv:2"]),
        ("Pd,Ac,y\n1,2,3\n", ["Ac"]),  # an element that the property table lacks
    ]

    def test_messages(self):
        elements = self.file("e.csv", SMALL_ELEMENTS)
        out = self.folder / "out.csv"
        for content, parts in self.CASES:
            with self.subTest(content=content):
                data = self.file("d.csv", content)
                message = self.refused(65, "featurize", data, "--elements", elements, "--target", "y", "--out", out)
                for part in parts:
                    self.assertIn(part, message)
                self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["d.csv", "e.csv"])

    def test_element_table(self):
        data = self.file("d.csv", "Pd,Rh\n1,2\n2,1\n")
        for content, parts in [("", ["e.csv", "empty"]), ("symbol,a\nPd,1\nRh,x\n", ["e.csv:3", '"a"', '"x"']),
                               ("symbol,a\nXx,1\n", ["e.csv:2", "Xx"])]:
            with self.subTest(content=content):
                elements = self.file("e.csv", content)
                message = self.refused(65, "featurize", data, "--elements", elements)
                for part in parts:
                    self.assertIn(part, message)

    def test_files(self):
        self.assertIn("missing.csv", self.refused(1, "featurize", "missing.csv"))
        self.assertIn("folder", self.refused(65, "featurize", "."))
        elements = self.file("e.csv", SMALL_ELEMENTS)
        data = self.file("d.csv", "Pd,Rh\n1,2\n2,1\n")
        self.assertIn("nowhere", self.refused(1, "featurize", data, "--elements", elements, "--out", "nowhere/out.csv"))
        message = self.refused(1, "featurize", data, environment={"KASETSU_DATA_DIR": str(self.folder)})
        self.assertIn("KASETSU_DATA_DIR", message)


class Usage(ProgramTest):
    def test_a_replay_of_a_search_knows_no_conditions(self):
        data = self.file("d.csv", "M1,Support,T,y\nLi,MgO,700,1\nLi,MgO,800,2\nNa,MgO,700,3\nK,MgO,700,4\n")
        message = self.refused(2, "replay", data, "--target", "y", "--conditions", "T", "--start", "2", "--batch", "1", "--rounds", "1")
        self.assertIn("--conditions", message)

    def test_did_you_mean(self):
        self.assertIn("did you mean featurize", self.refused(2, "featurise", "x.csv"))
        self.assertIn("did you mean --elements", self.refused(2, "featurize", "x.csv", "--element", "t.csv"))
        self.assertIn("did you mean loo", self.refused(2, "bench", "lo"))
        self.assertIn("needs a command", self.refused(2))
        self.assertIn("DATA", self.refused(2, "featurize"))
        self.assertIn("method", self.refused(2, "featurize", "x.csv", "--method", "magic"))

    def test_help(self):
        text = self.ok("--help").stdout
        lines = text.splitlines()
        self.assertLessEqual(len(lines), 40)
        self.assertLessEqual(max(map(len, lines)), 80)
        commands = [line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("  kasetsu")]
        for line in lines:  # the rest stands in one line a group
            if line.startswith(("More on files: ", "Operation: ")):
                commands += line.split(": ")[1].split(", ")
        self.assertIn("featurize", commands)
        self.assertLess(lines.index("On files:"), lines.index("With the daemon:"))
        for command in commands:
            help_text = self.ok(command, "--help").stdout
            self.assertRegex(help_text[:help_text.index("--help")], rf"(?m)^  .*kasetsu {command}")
        self.assertRegex(self.ok("--version").stdout, r"^kasetsu \d+\.\d+\.\d+")


class DryRun(ProgramTest):
    def test_limits_are_shown_with_their_direction(self):
        (self.folder / "l.csv").write_text("Sample,Catalyst,C2_yield (%)\na,Li/MgO,<0.5\nb,K/MgO,>95\nc,Na/MgO,12\n", encoding="utf-8")
        self.ok("table", "l.csv", "--target", "C2_yield (%)", "--write-profile", "lab.toml")
        shown = self.ok("results", "import", "--profile", "lab.toml", "--dry-run", "l.csv").stdout
        for text in ("C2_yield (%) < 0.5", "C2_yield (%) > 95", "C2_yield (%) = 12"):
            self.assertIn(text, shown)
        rows = self.json("results", "import", "--profile", "lab.toml", "--dry-run", "l.csv")["rows"]
        self.assertEqual([(value.get("censored"), value.get("above")) for row in rows for value in row["values"].values()],
                         [(True, None), (True, True), (None, None)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
