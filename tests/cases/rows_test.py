"""Kinds 1 to 22: what a cell, a column and a row mean, at every door at which they can come in. The first input of each kind
is the smallest that went wrong at a laboratory; the others are of the same kind."""
import json
import unittest

from doors import Laboratory, TEMPERATURES

ANY = ()

# kind, name, table, options, what is live afterwards (key, value, conditions), what is told.
TABLES = [
    (1, "sodium_is_no_missing_value", "M1,M2,M3,Support,C2_yield\nNa,Mn,W,SiO2,14.8\n", {},
     [("Mn:1;Na:1;W:1/SiO2", 14.8, ANY)], []),
    (1, "sodium_alone_and_as_a_name", "catalyst,C2_yield\nNa/MgO,3\nNa-Na/SiO2,4\n", {},
     [("Na:1/MgO", 3.0, ANY), ("Na:2/SiO2", 4.0, ANY)], []),
    (1, "a_small_symbol_is_asked_about", "M1,M2,Support,C2_yield\nLi,na,MgO,3\nK,none,MgO,2\n", {},
     [("K:1/MgO", 2.0, ANY)], ["did you mean Na?"]),
    (1, "none_and_dashes_are_no_elements", "M1,M2,M3,Support,C2_yield\nLi,-,none,MgO,3\nK,n/a,,SiO2,2\n", {},
     [("K:1/SiO2", 2.0, ANY), ("Li:1/MgO", 3.0, ANY)], []),
    (6, "minus_zero_is_zero", "M1,Support,temperature_C,C2_yield\nLi,MgO,-0,3\nK,MgO,0,2\n", {},
     [("K:1/MgO", 2.0, (("temperature_C", 0.0),)), ("Li:1/MgO", 3.0, (("temperature_C", 0.0),))], []),
    (6, "800_is_800", "M1,Support,temperature_C,C2_yield\nLi,MgO,800.0000000000001,3\nK,MgO,8e2,2\n", {},
     [("K:1/MgO", 2.0, (("temperature_C", 800.0),)), ("Li:1/MgO", 3.0, (("temperature_C", 800.0),))], []),
    (7, "a_near_condition_is_asked_about", "M1,Support,temperature_c,C2_yield\nLi,MgO,800,3\n", {}, [],
     ["temperature_c", "temperature_C"]),
    (7, "a_near_property_is_asked_about", "M1,Support,C2 yield,C2_yield_2\nLi,MgO,8,3\n", {}, [], ["C2 yield", "C2_yield"]),
    (7, "a_near_own_column_is_asked_about", "M1,Support,Channel,C2_yield\nLi,MgO,8,3\n", {}, [], ["--ignore"]),
    (7, "an_unused_column_is_named", "M1,Support,remark,C2_yield\nLi,MgO,leaky,3\n", {},
     [("Li:1/MgO", 3.0, ANY)], ["not used: remark"]),
    (7, "what_is_asked_about_can_be_left_out", "M1,Support,temperature_c,C2_yield\nLi,MgO,800,3\n",
     {"ignore": ["temperature_c"]}, [("Li:1/MgO", 3.0, ANY)], []),
    (8, "a_noble_gas_is_no_catalyst", "Ni,Fe,He,C2_yield\n5,1,88,3\n", {}, [], ["He", "--ignore"]),
    (8, "an_element_column_that_holds_words", "Ni,Fe,In,C2_yield\n5,1,yes,3\n4,2,no,2\n", {}, [], ["In", "--ignore"]),
    (8, "molecules_are_no_elements", "Ni,Fe,CO2 conversion (%),H2/CO,C2_yield\n1,1,88,2,3\n", {},
     [("Fe:1;Ni:1", 3.0, ANY)], ["CO2 conversion (%)"]),
    (10, "replicates_in_one_table_are_kept", "M1,Support,C2_yield\nLi,MgO,0\nLi,MgO,0\n", {},
     [("Li:1/MgO", 0.0, ANY), ("Li:1/MgO", 0.0, ANY)], []),
    (11, "a_row_without_its_condition", "M1,Support,temperature_C,C2_yield\nLi,MgO,,3\nK,MgO,800,2\n", {},
     [("K:1/MgO", 2.0, (("temperature_C", 800.0),))], ["temperature_C"]),
    (11, "a_value_beyond_any_measurement", "M1,Support,C2_yield\nLi,MgO,1e300\nK,MgO,2\n", {},
     [("K:1/MgO", 2.0, ANY)], ["too large"]),
    (11, "an_infinite_value", "M1,Support,C2_yield\nLi,MgO,inf\nK,MgO,2\n", {},
     [("K:1/MgO", 2.0, ANY)], ["not a finite number"]),
    (15, "a_cell_that_a_spreadsheet_would_run", "M1,Support,sample,C2_yield\nLi,MgO,=1+1,3\n", {},
     [("Li:1/MgO", 3.0, ANY)], []),
    (15, "a_canonical_key", 'catalyst,C2_yield\n"K:1;Li:2/MgO",3\n-/SiO2,1\n', {},
     [("-/SiO2", 1.0, ANY), ("K:1;Li:2/MgO", 3.0, ANY)], []),
    (19, "titles_units_percent_and_limits",
     "Screening of May;;;\n;;;\nKatalysator;C2_yield;Bemerkung;\nLi/MgO;9,1 %;;\nK/MgO;n. b.;Leck;\nNa/SiO2;<0,5;;\nMittel;9,1;;\n",
     {}, [("Li:1/MgO", 9.1, ANY)], ["title"]),
    (19, "uncertainties_and_thousands", "M1;Support;C2_yield\nLi;MgO;12,5 ± 0,3\nK;MgO;1 234,5\n", {},
     [("K:1/MgO", 1234.5, ANY), ("Li:1/MgO", 12.5, ANY)], ["uncertainty"]),
    (19, "two_numbers_in_a_cell_are_none", "M1,Support,C2_yield\nLi,MgO,12 5\nK,MgO,2.5\n", {},
     [("K:1/MgO", 2.5, ANY)], ["not a number"]),
    (19, "groups_are_asked_about", "M1,Support,C2_yield\nLi,MgO,1\nK,,2\nNa,,3\nLi,SiO2,4\nK,,5\n", {}, [],
     ["--fill-down"]),
    (19, "groups_are_filled_when_told", "M1,Support,C2_yield\nLi,MgO,1\nK,,2\nNa,,3\nLi,SiO2,4\nK,,5\n",
     {"fill_down": ["Support"]},
     [("K:1/MgO", 2.0, ANY), ("K:1/SiO2", 5.0, ANY), ("Li:1/MgO", 1.0, ANY), ("Li:1/SiO2", 4.0, ANY), ("Na:1/MgO", 3.0, ANY)],
     []),
    (21, "several_phases_on_a_support", "catalyst,C2_yield\nMn/Na2WO4/SiO2,3\nMnOx/TiO2,2\n", {},
     [("Mn:1/TiO2", 2.0, ANY), ("Mn:1;Na:2;W:1/SiO2", 3.0, ANY)], []),
    (21, "percentages_in_a_name", "catalyst,C2_yield\nLi/MgO,1\n5wt%Ni-2%Mg/Al2O3,3\n", {}, [("Li:1/MgO", 1.0, ANY)],
     ["--name-amounts wt%"]),
    (22, "carbon_monoxide_beside_cobalt", "Co,Ni,CO,C2_yield\n1,1,55,3\n", {}, [("Co:1;Ni:1", 3.0, ANY)], ["not used: CO"]),
    (25, "tiny_and_large_values", "M1,Support,C2_yield\nLi,MgO,1e-150\nK,MgO,-1e6\nNa,MgO,1e149\n", {},
     [("K:1/MgO", -1e6, ANY), ("Li:1/MgO", 1e-150, ANY), ("Na:1/MgO", 1e149, ANY)], []),
]
WITH_CONDITIONS = {"minus_zero_is_zero", "800_is_800", "a_near_condition_is_asked_about", "a_row_without_its_condition"}


def row(slots, value, **more):
    return {"catalyst": {"slots": slots, "support": "MgO"}, "values": {"C2_yield": value}, **more}


ROWS = [
    (1, "sodium_in_slots", [row(["Na", "none"], 3)], "", [("Na:1/MgO", 3.0, ANY)], []),
    (1, "sodium_as_a_name", [{"catalyst": "Na/MgO", "values": {"C2_yield": 3}}], "", [("Na:1/MgO", 3.0, ANY)], []),
    (6, "minus_zero_and_nine_digits", [row(["Li"], 3, conditions={"temperature_C": -0.0}),
                                       row(["K"], 2, conditions={"temperature_C": 800.0000000000001})], TEMPERATURES,
     [("K:1/MgO", 2.0, (("temperature_C", 800.0),)), ("Li:1/MgO", 3.0, (("temperature_C", 0.0),))], []),
    (7, "an_unknown_condition", [row(["Li"], 3, conditions={"temperature_c": 800})], TEMPERATURES, [], ["temperature_C"]),
    (11, "a_row_without_its_condition", [row(["Li"], 3), row(["K"], 2, conditions={"temperature_C": 800})], TEMPERATURES,
     [("K:1/MgO", 2.0, (("temperature_C", 800.0),))], ["temperature_C"]),
    (11, "a_value_beyond_any_measurement", [row(["Li"], 1e300), row(["K"], 2)], "", [("K:1/MgO", 2.0, ANY)], ["too large"]),
    (21, "several_phases_on_a_support", [{"catalyst": "Mn/Na2WO4/SiO2", "values": {"C2_yield": 3}}], "",
     [("Mn:1;Na:2;W:1/SiO2", 3.0, ANY)], []),
    (21, "percentages_in_a_name", [row(["K"], 2), {"catalyst": "5wt%Ni/Al2O3", "values": {"C2_yield": 3}}], "",
     [("K:1/MgO", 2.0, ANY)], ["percent"]),
    (25, "tiny_and_large_values", [row(["Li"], 1e-150), row(["K"], -1e6)], "",
     [("K:1/MgO", -1e6, ANY), ("Li:1/MgO", 1e-150, ANY)], []),
]


class Cases(Laboratory):
    def check(self, campaign, told, live, parts):
        self.assertEqual(self.live(campaign), sorted(live), told)
        heard = told + json.dumps(self.reasons(campaign), ensure_ascii=False)
        for part in parts:
            self.assertIn(part, heard.replace('\\"', '"'))

    def test_tables(self):
        doors = {"http": self.table_http, "cli": self.table_cli, "folder": self.table_folder}
        self.open("".join(self.folder_driver(self.folder, f"t{i}-folder", case[3]) for i, case in enumerate(TABLES)))
        for i, (kind, name, text, options, live, parts) in enumerate(TABLES):
            for door, deliver in doors.items():
                with self.subTest(kind=kind, name=name, door=door):
                    campaign = f"t{i}-{door}"
                    self.apply(campaign, TEMPERATURES if name in WITH_CONDITIONS else "")
                    told = deliver(campaign, text.encode(), **options)
                    # What a folder takes as a whole tells nobody anything: its notes are in the log.
                    quiet = door == "folder" and not self.reasons(campaign) and not told
                    self.check(campaign, told, live, [] if quiet and live else parts)

    def test_rows(self):
        self.open()
        doors = {"http": self.rows_http, "ndjson": self.rows_ndjson, "cli": self.rows_cli, "client": self.rows_client,
                 "exec": self.rows_exec}
        for i, (kind, name, rows, conditions, live, parts) in enumerate(ROWS):
            for door, deliver in doors.items():
                with self.subTest(kind=kind, name=name, door=door):
                    campaign = f"r{i}-{door}"
                    self.apply(campaign, conditions)
                    self.check(campaign, deliver(campaign, rows), live, parts)

    def test_kind_9_replicates_repetitions_and_what_was_retracted(self):
        self.open()
        text = b"M1,Support,C2_yield\nLi,MgO,0\nK,MgO,0\n"
        for door, deliver in {"http": self.table_http, "cli": self.table_cli}.items():
            with self.subTest(door=door):
                campaign = f"nine-{door}"
                self.apply(campaign)
                deliver(campaign, text, run="monday")
                deliver(campaign, text, run="tuesday")
                self.assertEqual(len(self.live(campaign)), 4)
                deliver(campaign, text, run="tuesday")
                self.assertEqual(len(self.live(campaign)), 4)
                _, page = self.ask("GET", f"/v1/campaigns/{campaign}/measurements?limit=10")
                one = page["measurements"][0]["id"]
                self.ok("results", "retract", one, "--reason", "leak", "--url", self.url)
                self.assertEqual(len(self.live(campaign)), 3)
                self.assertIn("restore", deliver(campaign, text, run="monday"))
                self.ok("results", "restore", one, "--reason", "no leak", "--url", self.url)
                self.assertEqual(len(self.live(campaign)), 4)

    def test_kind_10_a_table_that_grew(self):
        self.open()
        first = "name,M1,Support,C2_yield\n" + "".join(f"s{i},Li,MgO,{i}\n" for i in range(36))
        grown = first + "s36,K,MgO,36\ns37,K,MgO,37\n"
        corrected = grown.replace("s3,Li,MgO,3\n", "s3,Li,MgO,3.5\n")
        for door, deliver in {"http": self.table_http, "cli": self.table_cli}.items():
            with self.subTest(door=door, identity="names"):
                campaign = f"ten-{door}"
                self.apply(campaign)
                for text in (first, grown, grown):
                    deliver(campaign, text.encode(), id="name")
                self.assertEqual(len(self.live(campaign)), 38)
                self.assertIn("other content", deliver(campaign, corrected.encode(), id="name"))
                deliver(campaign, corrected.encode(), id="name", revise="true")
                values = [value for _, value, _ in self.live(campaign)]
                self.assertEqual((len(values), 3.5 in values, 3.0 in values), (38, True, False))
            with self.subTest(door=door, identity="none"):
                campaign = f"tenbare-{door}"
                self.apply(campaign)
                bare = ["\n".join(line.split(",", 1)[1] for line in text.strip().split("\n")[1:]) for text in (first, grown)]
                bare = ["M1,Support,C2_yield\n" + text + "\n" for text in bare]
                deliver(campaign, bare[0].encode())
                self.assertIn("36 of 38 rows are stored already", deliver(campaign, bare[1].encode()))
                self.assertEqual(len(self.live(campaign)), 36)
                deliver(campaign, bare[1].encode(), repeats="skip")
                self.assertEqual(len(self.live(campaign)), 38)

    def test_kind_15_exports_come_back(self):
        self.open()
        self.apply("out", TEMPERATURES)
        self.table_http("out", b'M1,M2,Support,temperature_C,sample,C2_yield\nLi,K,MgO,800,"=cmd",3\nNa,none,SiO2,700,-x,4\n')
        file = self.folder / "export.csv"
        self.ok("results", "export", "out", "--out", str(file), "--url", self.url)
        for line in file.read_text(encoding="utf-8").splitlines():
            for cell in line.split(","):
                self.assertFalse(cell.strip('"').startswith(("=", "+", "@")), line)
        for door, deliver in {"http": self.table_http, "cli": self.table_cli}.items():
            self.apply(f"in-{door}", TEMPERATURES)
            deliver(f"in-{door}", file.read_bytes())
            self.assertEqual(self.live(f"in-{door}"), self.live("out"))
        shown = self.json("table", str(file), "--target", "C2_yield", "--conditions", "temperature_C")
        self.assertEqual((shown["rows"], shown["readable"], shown["problems"]), (2, 2, []))

    def test_kind_25_a_constant_target_is_said(self):
        rows = "".join(f"{m},MgO,5\n" for m in ("Li", "Na", "K", "Cs", "Ca", "Ba", "Mn", "Fe", "Co", "Ni"))
        done = self.run_program("fit", self.file("constant.csv", "M1,Support,y\n" + rows), "--target", "y", "--size", "1",
                                "--order", "0", "--time-limit", "1")
        self.assertIn("constant", done.stderr + done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
