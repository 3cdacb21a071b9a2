"""What makes two rows of tables the same measurement (kinds 9 and 10), and what a catalyst is called (kinds 5 and 28)."""
import json
import unittest

from doors import CAMPAIGN, Laboratory, TEMPERATURES

TWO_PROPERTIES = '\n[[properties]]\nname = "conversion"\nunit = "%"\n'

BASIS = """
format = 1
name = "NAME"

[composition]
basis = "BASIS"

[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"

[[space]]
kind = "grid"
elements = ["Co", "Ni", "K"]
loadings = [0.5, 2, 5, 10]
min_elements = 1
max_elements = 2
supports = ["MgO", "SiO2"]

[planner]
batch = 4

[retrain]
when = "by_hand"
"""


class Identity(Laboratory):
    def doors(self):
        return {"http": self.table_http, "cli": self.table_cli}.items()

    def values(self, campaign):
        return sorted(value for _, value, _ in self.live(campaign))

    def measurements(self, campaign):
        return self.ask("GET", f"/v1/campaigns/{campaign}/measurements?limit=1000")[1]["measurements"]

    def test_rows_get_the_names_that_the_grown_table_gives_them(self):
        self.open()
        first = b"label,M1,Support,C2_yield\nA1,Li,MgO,7\nA2,K,MgO,8\n"
        grown = first + b"A3,Na,MgO,9\n"
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"named-{door}"
                self.apply(campaign)
                deliver(campaign, first)
                self.assertIn("--id", deliver(campaign, grown))
                deliver(campaign, grown, id="label")
                self.assertEqual(self.values(campaign), [7.0, 8.0, 9.0])
                self.assertEqual(sorted(m["sample"] for m in self.measurements(campaign)), ["A1", "A2", "A3"])
                changed = grown.replace(b"MgO,8", b"MgO,8.5")
                self.assertIn("C2_yield is 8, the table now says 8.5", deliver(campaign, changed, id="label"))
                deliver(campaign, changed, id="label", revise="true")
                self.assertEqual(self.values(campaign), [7.0, 8.5, 9.0])

    def test_a_corrected_replicate_or_run_of_a_sample_is_asked_about(self):
        self.open()
        for column in ("Replicate", "Run"):
            first = f"Sample,{column},M1,Support,C2_yield\nA1,1,Li,MgO,40\nA1,2,Li,MgO,41\n".encode()
            changed = first.replace(b"41", b"14")
            for door, deliver in self.doors():
                with self.subTest(column=column, door=door):
                    campaign = f"corrected-{column.lower()}-{door}"
                    self.apply(campaign)
                    deliver(campaign, first)
                    self.assertIn("C2_yield is 41, the table now says 14", deliver(campaign, changed))
                    self.assertEqual(self.values(campaign), [40.0, 41.0])
                    deliver(campaign, changed, revise="true")
                    self.assertEqual(self.values(campaign), [14.0, 40.0])
                    deliver(campaign, changed + b"A1,3,Li,MgO,43\n")
                    self.assertEqual(self.values(campaign), [14.0, 40.0, 43.0])

    def test_a_limit_is_corrected_to_a_value_and_back_as_often_as_it_is_told(self):
        self.open()
        limit, value = (b"Sample,M1,Support,C2_yield\nZ1,Li,MgO," + cell + b"\n" for cell in (b"<5", b"6"))
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"limit-{door}"
                self.apply(campaign)
                deliver(campaign, limit)
                for _ in range(3):
                    self.assertIn("<5, ", deliver(campaign, value))
                    deliver(campaign, value, revise="true")
                    self.assertEqual(self.values(campaign), [6.0])
                    self.assertIn("now says <5", deliver(campaign, limit))
                    deliver(campaign, limit, revise="true")
                    self.assertEqual(self.values(campaign), [])

    def test_the_direction_of_a_limit_belongs_to_the_value(self):
        self.open()
        below, above = (b"Sample,M1,Support,C2_yield\nZ1,Li,MgO," + cell + b"\n" for cell in (b"<95", b">95"))
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"direction-{door}"
                self.apply(campaign)
                deliver(campaign, below)
                for _ in range(2):
                    self.assertIn("C2_yield is <95, the table now says >95", deliver(campaign, above))
                    deliver(campaign, above, revise="true")
                    self.assertIn("C2_yield is >95, the table now says <95", deliver(campaign, below))
                    deliver(campaign, below, revise="true")
                deliver(campaign, above, revise="true")
                exported = self.run_program("results", "export", campaign, "--all", "--url", self.url).stdout.encode()
                self.assertNotIn("the table now says", deliver(campaign, exported))
                self.apply(f"copy-{door}")
                deliver(f"copy-{door}", exported)
                self.assertIn("C2_yield is >95, the table now says <95", deliver(f"copy-{door}", below))

    def test_the_direction_of_a_limit_in_json_belongs_to_the_value(self):
        self.open()
        self.apply("direction")
        sent = []

        def send(above, revise=False):
            limit = {"value": 95, "censored": True, "above": above}
            row = {"catalyst": "Li/MgO", "channel": "1", "values": {"C2_yield": limit}}
            body = json.dumps({"source": "rig", "run": "r1", "revise": revise, "rows": [row]}).encode()
            sent.append(body + b" " * len(sent))  # the bytes of an earlier delivery would be that delivery
            return self.ask("POST", "/v1/campaigns/direction/measurements", sent[-1])[0]
        self.assertEqual(send(False), 200)
        for above in (True, False, True):
            self.assertEqual(send(above), 422)
            self.assertEqual(send(above, revise=True), 200)
            standing = [m["flags"] for m in self.measurements("direction") if not m["superseded_by"]]
            self.assertEqual(standing, [["censored", "above_limit"] if above else ["censored"]])

    def test_the_shape_of_a_table_is_told_where_its_header_leaves_it_open(self):
        self.open()
        table = b"formula,Zr,C2_yield\nLaCoO3,0.1,1\nLaFeO3,0.1,2\n"
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"shape-{door}"
                self.apply(campaign)
                self.assertIn("could be this column", deliver(campaign, table))
                deliver(campaign, table, shape="formula")
                self.assertEqual([(key, value) for key, value, _ in self.live(campaign)], [("Co:1;La:1", 1.0), ("Fe:1;La:1", 2.0)])
                self.assertIn("shape", deliver(campaign, table, shape="round"))

    def test_a_row_that_was_skipped_as_stored_is_told(self):
        self.open()
        header = "M1,Support,GHSV,C2_yield\n"
        first, other = (f"{header}Li,MgO,{ghsv},90.1\n".encode() for ghsv in (12000, 24000))
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"skipped-{door}"
                self.apply(campaign)
                deliver(campaign, first)
                told = deliver(campaign, other, repeats="skip")
                self.assertIn("1 of 1 rows are stored already, by catalyst, conditions and values (line 2), and were left out", told)
                self.assertIn("not used: GHSV", told)
                self.assertEqual(self.values(campaign), [90.1])
                deliver(campaign, other + b"K,MgO,24000,3\n", repeats="keep")
                self.assertEqual(self.values(campaign), [3.0, 90.1, 90.1])

    def test_other_oxygen_of_a_named_sample_is_a_correction(self):
        self.open()
        first, other = (b"Sample,catalyst,C2_yield\nS1," + oxide + b",40\nS2,Ba0.5Sr0.5CoO3,30\n"
                        for oxide in (b"La0.5Sr0.5CoO3", b"La0.5Sr0.5CoO2.75"))
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"oxygen-{door}"
                text = BASIS.replace("NAME", campaign).replace("BASIS", "mole_fraction").split("[[space]]")[0] + """
[[space]]
kind = "simplex"
elements = ["Ba", "Co", "La", "Sr"]
step_at_percent = 25
min_elements = 2
max_elements = 3

[planner]
batch = 4

[retrain]
when = "by_hand"
"""
                status, answer = self.ask("POST", "/v1/campaigns", text.encode(), "application/toml")
                self.assertEqual(status, 201, answer)
                deliver(campaign, first)
                for now, was in ((other, "CoO3"), (first, "CoO2.75")):
                    self.assertIn(f"C2_yield was measured on La0.5Sr0.5{was}, the table now says", deliver(campaign, now))
                    deliver(campaign, now, revise="true")
                    self.assertNotIn("the table now says", deliver(campaign, now))
                    self.assertEqual(self.values(campaign), [30.0, 40.0])
                    told = {m["sample"]: m["told"] for m in self.measurements(campaign) if not m["superseded_by"]}
                    self.assertEqual(told["S1"].encode(), now.split(b"\nS1,")[1].split(b",")[0])

    def test_the_same_table_again_has_one_effect_whatever_came_between(self):
        self.open()
        header = b"label,M1,Support,C2_yield,conversion\n"
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"between-{door}"
                self.apply(campaign, TWO_PROPERTIES)
                deliver(campaign, header + b"a,Li,MgO,7,\n", id="label")
                for _ in range(3):
                    deliver(campaign, header + b"a,Li,MgO,7,30\n", id="label")
                    self.assertEqual(self.values(campaign), [7.0, 30.0])
                deliver(campaign, header + b"a,Li,MgO,8,30\n", id="label", revise="true")
                self.assertEqual(self.values(campaign), [8.0, 30.0])
                # The bytes of an earlier table are the correction taken back, and no duplicate.
                self.assertIn("C2_yield is 8, the table now says 7", deliver(campaign, header + b"a,Li,MgO,7,30\n", id="label"))
                deliver(campaign, header + b"a,Li,MgO,7,30\n", id="label", revise="true")
                self.assertEqual(self.values(campaign), [7.0, 30.0])

    def test_a_name_under_several_conditions_is_corrected_under_each(self):
        self.open()
        header = b"label,M1,Support,temperature_C,C2_yield\n"
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"conditions-{door}"
                self.apply(campaign, TEMPERATURES)
                deliver(campaign, header + b"a,Li,MgO,700,7\na,Li,MgO,750,8\n", id="label")
                swapped = header + b"a,Li,MgO,750,7\na,Li,MgO,700,8\n"
                self.assertIn("2 of 2 rows are stored with other content", deliver(campaign, swapped, id="label"))
                deliver(campaign, swapped, id="label", revise="true")
                self.assertEqual(sorted((dict(c)["temperature_C"], v) for _, v, c in self.live(campaign)),
                                 [(700.0, 8.0), (750.0, 7.0)])

    def test_a_table_that_comes_without_its_names_is_asked_about(self):
        self.open()
        first = b"label,M1,Support,C2_yield\nA1,Li,MgO,7\nA2,K,MgO,8\n"
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"forgotten-{door}"
                self.apply(campaign)
                deliver(campaign, first, id="label")
                grown = first + b"A3,Na,MgO,9\n"
                self.assertIn("2 of 3 rows are stored already", deliver(campaign, grown))
                deliver(campaign, grown, repeats="skip")
                self.assertEqual(self.values(campaign), [7.0, 8.0, 9.0])

    def test_what_was_taken_back_counts_as_stored(self):
        self.open()
        first = b"M1,Support,C2_yield\nLi,MgO,7\nK,MgO,8\nBa,MgO,<0.1\n"
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"taken-back-{door}"
                self.apply(campaign)
                deliver(campaign, first)
                for m in self.measurements(campaign):
                    verb = {7.0: "retract", 8.0: "exclude"}.get(m["value"])
                    if verb:
                        self.ask("POST", f"/v1/measurements/{m['id']}:{verb}", b'{"reason": "leak"}')
                grown = first + b"Na,MgO,9\n"
                self.assertIn("3 of 4 rows are stored already", deliver(campaign, grown))
                told = deliver(campaign, grown, repeats="skip")
                self.assertEqual(self.values(campaign), [9.0])
                self.assertEqual(len(self.measurements(campaign)), 4)
                if door == "http":
                    self.assertIn("was retracted (leak); kasetsu results restore", told)
                    self.assertIn("is excluded (leak); kasetsu results include", told)

    def test_a_row_that_was_completed_later_is_asked_about(self):
        self.open()
        first = b"M1,Support,C2_yield,conversion\nBa,MgO,7,\nK,MgO,,20\n"
        now = b"M1,Support,C2_yield,conversion\nBa,MgO,7,30\nK,MgO,5,20\n"
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"completed-{door}"
                self.apply(campaign, TWO_PROPERTIES)
                deliver(campaign, first)
                self.assertIn("2 of 2 rows are stored already", deliver(campaign, now))
                self.assertEqual(self.values(campaign), [7.0, 20.0])
                deliver(campaign, now, repeats="skip")
                self.assertEqual(self.values(campaign), [5.0, 7.0, 20.0, 30.0])

    def test_a_row_of_json_that_was_completed_later_is_asked_about(self):
        self.open()
        first = [{"catalyst": "Ba/MgO", "values": {"C2_yield": 7}}, {"catalyst": "K/MgO", "values": {"conversion": 20}}]
        now = [{"catalyst": "Ba/MgO", "values": {"C2_yield": 7, "conversion": 30}},
               {"catalyst": "K/MgO", "values": {"C2_yield": 5, "conversion": 20}}]
        for door, deliver in {"http": self.rows_http, "ndjson": self.rows_ndjson, "cli": self.rows_cli,
                              "client": self.rows_client}.items():
            with self.subTest(door=door):
                campaign = f"json-{door}"
                self.apply(campaign, TWO_PROPERTIES)
                deliver(campaign, first)
                self.assertIn("2 of 2 rows have values that are stored already", deliver(campaign, now))
                self.assertEqual(self.values(campaign), [7.0, 20.0])
                for repeats, values in (("skip", [5.0, 7.0, 20.0, 30.0]), ("keep", [5.0, 7.0, 7.0, 20.0, 20.0, 30.0])):
                    campaign = f"json-{repeats}-{door}"
                    self.apply(campaign, TWO_PROPERTIES)
                    deliver(campaign, first)
                    status, answer = self.ask("POST", f"/v1/campaigns/{campaign}/measurements",
                                              json.dumps({"rows": now, "repeats": repeats}).encode())
                    self.assertEqual(status, 200, answer)
                    self.assertEqual(self.values(campaign), values)

    def test_rows_of_json_that_are_stored_are_told(self):
        self.open()
        rows = [{"catalyst": "Ba/MgO", "values": {"C2_yield": 0}}, {"catalyst": "K/MgO", "values": {"C2_yield": 0}}]
        self.apply("told")
        self.rows_http("told", rows)
        again = self.rows_http("told", rows + [{"catalyst": "Li/MgO", "values": {"C2_yield": 1}}])
        self.assertIn("2 of 3 rows are stored already, by catalyst, conditions and values", again)
        self.assertEqual(self.values("told"), [0.0, 0.0, 0.0, 0.0, 1.0])
        # A person who imports a file is asked.
        grown = rows + [{"catalyst": "Na/MgO", "values": {"C2_yield": 2}}]
        self.assertIn("--repeats skip when the file has grown", self.rows_cli("told", grown))
        self.assertEqual(len(self.values("told")), 5)

    def test_a_limit_that_becomes_a_value_is_a_change(self):
        self.open()
        below, above = b"name,M1,Support,C2_yield\nz,Ca,MgO,<0.5\n", b"name,M1,Support,C2_yield\nz,Ca,MgO,0.5\n"
        for door, deliver in self.doors():
            for first, now, asked, live in ((below, above, "is <0.5, the table now says 0.5", [0.5]),
                                            (above, below, "is 0.5, the table now says <0.5", [])):
                with self.subTest(door=door, now=now):
                    campaign = f"limit-{door}{len(live)}"
                    self.apply(campaign)
                    deliver(campaign, first, id="name")
                    self.assertIn(asked, deliver(campaign, now, id="name").replace("\\u003c", "<"))
                    deliver(campaign, now, id="name", revise="true")
                    self.assertEqual(self.values(campaign), live)

    def test_a_limit_of_one_property_is_no_limit_of_the_others(self):
        self.open()
        self.apply("one-limit", TWO_PROPERTIES)
        self.table_http("one-limit", b"M1,Support,C2_yield,conversion\nBa,MgO,<0.1,30\n")
        self.assertEqual(self.values("one-limit"), [30.0])

    def test_another_condition_is_named(self):
        self.open()
        first = b"name,M1,Support,temperature_C,C2_yield\nk1,Ca,MgO,700,7\n"
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"condition-{door}"
                self.apply(campaign, TEMPERATURES)
                deliver(campaign, first, id="name")
                self.assertIn("temperature_C is 700, the table now says 800",
                              deliver(campaign, first.replace(b"700", b"800"), id="name"))

    def test_names_in_another_spelling_are_the_same(self):
        self.open()
        first = "label,M1,Support,C2_yield\nA1,Li,MgO,7\nA2,K,MgO,8\n"
        both = "label,M1,Support,C2_yield\nB1,Li,MgO,7\nb1,K,MgO,8\n"
        for door, deliver in self.doors():
            for i, spelled in enumerate((first.replace("A1", "a1"), first.replace("A1", "Ａ１"), first.replace("A1", "A\u200b1"))):
                with self.subTest(door=door, spelled=spelled):
                    campaign = f"spelled-{i}-{door}"
                    self.apply(campaign)
                    deliver(campaign, first.encode(), id="label")
                    self.assertIn("is stored as A1", deliver(campaign, spelled.encode(), id="label"))
                    self.assertEqual(self.values(campaign), [7.0, 8.0])
                    slip = spelled.replace("Li,MgO", "Li,SiO2").encode()
                    self.assertIn("sample A1: the catalyst is Li:1/MgO", deliver(campaign, slip, id="label"))
            with self.subTest(door=door, spelled="both"):
                self.apply(f"both-{door}")
                for _ in range(2):
                    deliver(f"both-{door}", both.encode(), id="label")
                    self.assertEqual(self.values(f"both-{door}"), [7.0, 8.0])

    def test_oxygen_that_does_not_count_is_told_when_it_differs(self):
        self.open()
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"oxygen-{door}"
                self.apply(campaign)
                self.assertNotIn("other oxygen", deliver(campaign, b"formula,C2_yield\nYBa2Cu3O6.5,5\n"))
                told = deliver(campaign, b"formula,C2_yield\nYBa2Cu3O6.94,7\n")
                self.assertIn("1 catalyst is stored with other oxygen", told)
                self.assertIn("YBa2Cu3O6.94 (before: YBa2Cu3O6.5)", told)
                told = self.rows_http(campaign, [{"catalyst": {"formula": "YBa2Cu3O7"}, "values": {"C2_yield": 6}}])
                self.assertIn("YBa2Cu3O7 (before: YBa2Cu3O6.5)", told)

    def test_rows_that_waited_are_settled_when_their_table_is_read_anew(self):
        self.open()
        text = b"M1,Support,C2_yield\nFe,MgO,leer\nY,MgO,3\n"
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"settled-{door}"
                self.apply(campaign)
                deliver(campaign, text)
                self.assertEqual(len(self.reasons(campaign)), 1)
                deliver(campaign, text, null=["leer"])
                self.assertEqual(self.reasons(campaign), [])
                self.assertIn("the row was discarded (read anew", deliver(campaign, text))
                self.assertEqual(self.values(campaign), [3.0])

    def test_names_that_are_numbers_of_lines(self):
        self.open()
        first = b"label,M1,Support,C2_yield\n1,Li,MgO,7\n2,K,MgO,8\n"
        now = b"label,M1,Support,C2_yield\n1,Mn,SiO2,5\n2,Li,MgO,7\n3,K,MgO,8\n"
        for door, deliver in self.doors():
            with self.subTest(door=door):
                campaign = f"lines-{door}"
                self.apply(campaign)
                deliver(campaign, first, id="label")
                self.assertIn("stored under the names of other rows", deliver(campaign, now, id="label"))
                self.assertEqual(self.values(campaign), [7.0, 8.0])

    def test_the_same_table_read_with_another_option_is_judged_anew(self):
        self.open()
        for door, deliver in self.doors():
            with self.subTest(door=door, option="composition"):
                campaign = f"column-{door}"
                self.apply(campaign)
                text = b"catalyst,Name,C2_yield\nLi/MgO,K/MgO,3\n"
                deliver(campaign, text, composition="catalyst", ignore=["Name"])
                self.assertEqual([key for key, _, _ in self.live(campaign)], ["Li:1/MgO"])
                self.assertIn("is now read with K:1/MgO",
                              deliver(campaign, text, composition="Name", ignore=["catalyst"]))
                self.assertEqual([key for key, _, _ in self.live(campaign)], ["Li:1/MgO"])
                deliver(campaign, text, composition="Name", ignore=["catalyst"], revise="true")
                self.assertEqual([key for key, _, _ in self.live(campaign)], ["K:1/MgO"])
            with self.subTest(door=door, option="null"):
                campaign = f"null-{door}"
                self.apply(campaign)
                text = b"M1,Support,C2_yield\nFe,MgO,leer\nY,MgO,3\n"
                deliver(campaign, text)
                told = deliver(campaign, text, null=["leer"])
                self.assertEqual(self.values(campaign), [3.0])
                self.assertNotIn("not a number", told)

    def test_kind_28_a_catalyst_is_shown_in_the_unit_of_its_campaign(self):
        self.open()
        text = b"Ni,Co,Support,C2_yield\n5,2,MgO,9\n"
        for name, basis in (("loads", "mmol_per_g_support"), ("weights", "wt_percent_of_catalyst")):
            file = BASIS.replace("NAME", name).replace("BASIS", basis)
            self.ask("POST", "/v1/campaigns", file.encode(), "application/toml")
            self.table_http(name, text)
        shown = {name: self.measurements(name)[0]["catalyst"] for name in ("loads", "weights")}
        self.assertEqual(shown["loads"]["key"], shown["weights"]["key"])
        self.assertEqual(shown["loads"]["description"], "2 mmol/g Co + 5 mmol/g Ni/MgO")
        self.assertEqual(shown["weights"]["description"], "2 wt% Co + 5 wt% Ni/MgO")
        made = {}
        for name in ("loads", "weights"):
            status, made[name] = self.ask("POST", f"/v1/campaigns/{name}/proposals",
                                          json.dumps({"catalyst": {"amounts": {"K": 0.5}, "support": "SiO2"}}).encode())
            self.assertEqual(status, 201, made[name])
        self.assertEqual(made["loads"]["catalyst"]["description"], "0.5 mmol/g K/SiO2")
        self.assertEqual(made["weights"]["catalyst"]["description"], "0.5 wt% K/SiO2")
        _, page = self.ask("GET", "/v1/campaigns/weights/proposals")
        self.assertEqual(page["proposals"][0]["catalyst"]["description"], "0.5 wt% K/SiO2")

    def test_kind_11_conditions_that_come_later(self):
        self.open()
        self.apply("later")
        old = [{"catalyst": f"{one}-{two}/MgO", "values": {"C2_yield": i}}
               for i, (one, two) in enumerate([("Li", "K"), ("Li", "Na"), ("K", "Na"), ("Ba", "Li")])]
        self.rows_http("later", old)
        text = CAMPAIGN.replace("NAME", "later").replace("CONDITIONS", TEMPERATURES).encode()
        _, plan = self.ask("POST", "/v1/campaigns:plan", text, "application/toml")
        self.assertIn("4 of 4 results of C2_yield do not tell temperature_C", json.dumps(plan["warnings"]))
        _, applied = self.ask("POST", "/v1/campaigns", text, "application/toml")
        self.assertIn("do not tell temperature_C", json.dumps(applied["warnings"]))
        new = [{**row, "conditions": {"temperature_C": 700 + 100 * (i % 2)}, "values": {"C2_yield": i + 2}}
               for i, row in enumerate(old * 3)]
        self.rows_http("later", new)
        done = self.run_program("retrain", "later", "--wait", "--url", self.url)
        self.assertIn("4 of 16 results of C2_yield do not tell temperature_C", done.stdout + done.stderr)
        doctor = self.run_program("doctor", "--url", self.url)
        self.assertIn("do not tell temperature_C", doctor.stdout + doctor.stderr)


if __name__ == "__main__":
    unittest.main()
