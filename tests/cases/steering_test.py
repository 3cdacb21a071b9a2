"""Kinds 26 to 36: what is planned and told. What needs a model is in C++ (tests/daemon/jobs, tests/core/planning)."""
import json
import struct
import unittest

from doors import CAMPAIGN, Laboratory, lab, wait_for

ONE_CATALYST = """
format = 1
name = "sweep"

[[targets]]
name = "C2_yield"
unit = "%"
goal = "maximize"

[[space]]
kind = "list"
catalysts = ["Li/MgO"]

[conditions]
temperature_C = [700, 750, 800, 850]
CH4_O2 = [2, 3, 4, 6]

[planner]
batch = 6
mix = { explore = 6 }

[retrain]
when = "by_hand"
"""


class Steering(Laboratory):
    def test_kind_26_proposals_that_differ_only_in_conditions(self):
        self.open()
        file = self.file("sweep.toml", ONE_CATALYST)
        self.assertEqual(self.json("campaign", "plan", file, "--url", self.url)["space_size"], 16)
        self.ok("campaign", "apply", file, "--url", self.url)
        wait_for(lambda: self.run_program("proposals", "take", "sweep", "--client", "me", "--batch", "6", "--url",
                                          self.url).returncode == 0, "a planned batch")
        _, page = self.ask("GET", "/v1/campaigns/sweep/proposals?limit=100")
        seen = {(p["catalyst"]["key"], json.dumps(p["conditions"], sort_keys=True)) for p in page["proposals"]}
        self.assertEqual((len(page["proposals"]), len(seen)), (6, 6))
        self.assertEqual(sorted(p["rank"] for p in page["proposals"]), [1, 2, 3, 4, 5, 6])

    def test_kind_28_and_34_amounts_and_preparations_come_by_table(self):
        self.open()
        text = CAMPAIGN.replace("NAME", "made").replace("CONDITIONS", 'preparations = ["impregnated", "sol-gel"]\n')
        status, answer = self.ask("POST", "/v1/campaigns", text.encode(), "application/toml")
        self.assertEqual(status, 201, answer)
        told = self.table_http("made", b"M1,Support,Preparation,C2_yield\nLi,MgO,impregnated,3\nLi,MgO,sol-gel,4\n")
        self.assertEqual(len({key for key, _, _ in self.live("made")}), 2, told)

    def retrained(self, campaign):
        """The job of a retraining that was begun, when it is through."""
        status, answer = self.ask("POST", f"/v1/campaigns/{campaign}:retrain", b"{}")
        self.assertEqual(status, 202, answer)

        def over():
            return self.ask("GET", f"/v1/jobs/{answer['job']['id']}")[1]["state"] not in ("SCHEDULED", "RUNNING")
        wait_for(over, "the retraining", 60)
        return self.ask("GET", f"/v1/jobs/{answer['job']['id']}")[1]

    def apply_small(self, name, goal='goal = "maximize"', more=""):
        text = CAMPAIGN.replace("NAME", name).replace("CONDITIONS", "").replace('goal = "maximize"', goal)
        text += "\n[model]\nsize = 1\nhypotheses = 1\norder = 0\nwork = 200\n" + more
        status, answer = self.ask("POST", "/v1/campaigns", text.encode(), "application/toml")
        self.assertEqual(status, 201, answer)

    def test_kind_27_what_ends_a_campaign_has_evidence(self):
        self.open()
        self.apply_small("one", more="\n[stop]\nhypotheses_agree_within = 0.001\n")
        rows = "".join(f"{element},MgO,{1.7 * i + i % 3}\n" for i, element in enumerate(("Ba", "Ca", "Cs", "K", "La", "Li", "Mg")))
        self.table_http("one", ("M1,Support,C2_yield\n" + rows).encode())
        self.assertEqual(self.retrained("one")["state"], "COMPLETED")
        _, campaign = self.ask("GET", "/v1/campaigns/one")
        self.assertEqual((campaign["state"], campaign["reason"]), ("ACTIVE", None), "an ensemble of one agrees with itself")

    def test_kind_30_states_mean_what_their_help_says(self):
        self.open()
        self.apply_small("paused")
        self.apply_small("done", more="\n[stop]\nmeasurements = 4\n")
        rows = b"M1,Support,C2_yield\n" + b"".join(b"%s,MgO,%d\n" % (e, i) for i, e in enumerate((b"Li", b"Na", b"K", b"Cs")))
        for name in ("paused", "done"):
            self.table_http(name, rows)
        self.ok("campaign", "pause", "paused", "--reason", "holiday", "--url", self.url)
        wait_for(lambda: self.ask("GET", "/v1/campaigns/done")[1]["state"] == "COMPLETED", "the stop rule")
        for name, state in (("paused", "PAUSED"), ("done", "COMPLETED")):
            with self.subTest(state=state):
                status, answer = self.ask("POST", f"/v1/campaigns/{name}:retrain", b"{}")
                self.assertEqual(status, 409)
                self.assertIn(state, answer["detail"])
                self.assertIn(state, self.refused(1, "retrain", name, "--wait", "--url", self.url))
                self.assertEqual(self.ask("GET", f"/v1/campaigns/{name}/models")[1]["models"], [])
                self.assertEqual(self.ask("GET", f"/v1/campaigns/{name}")[1]["state"], state)

    def test_kind_30_a_campaign_that_ended_learns_no_more(self):
        self.open()
        for verb in ("complete", "stop"):
            campaign = f"ended-{verb}"
            self.apply(campaign)
            metals = ("Ba", "Ca", "Ce", "Co", "Cs", "Cu")
            self.rows_http(campaign, [{"catalyst": f"{one}-{two}/{support}", "values": {"C2_yield": (7 * i + 3 * j) % 11}}
                                      for i, one in enumerate(metals) for j, two in enumerate(metals) if i < j
                                      for support in ("MgO", "SiO2")])
            _, answer = self.ask("POST", f"/v1/campaigns/{campaign}:retrain", b"{}")
            job = answer["job"]["id"]
            self.assertEqual(self.ask("POST", f"/v1/campaigns/{campaign}:{verb}", b"{}")[0], 200)
            wait_for(lambda: self.ask("GET", f"/v1/jobs/{job}")[1]["state"] not in ("SCHEDULED", "RUNNING"), "the job")
            self.assertEqual(self.ask("GET", f"/v1/jobs/{job}")[1]["state"], "CANCELLED")

    def test_kind_28_what_apply_refuses_plan_refuses(self):
        self.open()
        self.apply("planned")
        self.table_http("planned", b"M1,Support,C2_yield\nLi,MgO,7\n")
        text = CAMPAIGN.replace("NAME", "planned").replace("CONDITIONS", "")
        for change in (text + '\n[composition]\noxygen = "counted"\n', text.replace('unit = "%"', 'unit = "1"')):
            for path in ("/v1/campaigns:validate", "/v1/campaigns"):
                status, answer = self.ask("POST", path, change.encode(), "application/toml")
                self.assertEqual(status, 409, answer)
        self.assertEqual(self.ask("POST", "/v1/campaigns:validate", text.encode(), "application/toml")[0], 200)

    def test_kind_32_sentences_round_and_say_what_was_compared(self):
        self.open()
        self.apply_small("near", 'goal = "target"\nvalue = 20', "\n[stop]\ntarget_reached = 1\n")
        self.table_http("near", b"M1,Support,C2_yield\nLi,MgO,21\nLi,MgO,20.2\nLi,MgO,18.3\n")
        wait_for(lambda: self.ask("GET", "/v1/campaigns/near")[1]["state"] == "COMPLETED", "the stop rule")
        reason = self.ask("GET", "/v1/campaigns/near")[1]["reason"]
        for part in ("19.83", "mean of 3", "within 1 of 20"):
            self.assertIn(part, reason)
        self.assertNotIn("19.833", reason)

    def test_kind_35_plan_and_recommend_count_alike(self):
        text = ONE_CATALYST.replace('kind = "list"\ncatalysts = ["Li/MgO"]', 'kind = "slots"\nslots = 2\nnone = true\nrepetition = true\n'
                                    'elements = ["Li", "Na", "K", "Mn", "Pb"]\nsupports = ["MgO", "SiO2"]')
        file = self.file("both.toml", text + '\n[[rules]]\nforbid_elements = ["Pb"]\n')
        plan = self.json("campaign", "plan", file)
        recommend = self.json("recommend", "--campaign", file, "--batch", "6")
        self.assertEqual(plan["space_size"], recommend["space_size"])
        self.assertEqual(plan["allowed"], recommend["allowed"])
        self.assertEqual(plan["estimate"]["candidates"], recommend["evaluated"])

    def test_kind_36_a_first_batch_is_no_trio_on_every_support(self):
        text = ONE_CATALYST.replace('kind = "list"\ncatalysts = ["Li/MgO"]', 'kind = "slots"\nslots = 3\nnone = true\nrepetition = true\n'
                                    'elements = ["Li", "Na", "K", "Mn"]\nsupports = ["Al2O3", "CaO", "MgO", "SiO2", "TiO2"]')
        batch = self.json("recommend", "--campaign", self.file("diverse.toml", text), "--batch", "8")["proposals"]
        trios = [p["key"].split("/")[0] for p in batch]
        self.assertEqual(len(batch), 8)
        self.assertLessEqual(max(trios.count(one) for one in trios), 2, trios)

    def test_kind_31_contradictions_are_found_before_planning(self):
        self.open()
        head, rest = CAMPAIGN.replace("NAME", "none").replace("CONDITIONS", "").split("[planner]")
        rules = '\n[[rules]]\nallow_elements = ["Li"]\n[[rules]]\nforbid_elements = ["Li"]\n'
        file = self.file("none.toml", head + rules + "\n[planner]" + rest)
        done = self.run_program("campaign", "plan", file, "--url", self.url)
        self.assertRegex(done.stdout + done.stderr, r"(?i)no element|leave|contradict|both")
        few = self.file("few.toml", ONE_CATALYST.replace("batch = 6", "batch = 40").replace("explore = 6", "explore = 40"))
        done = self.ok("campaign", "plan", few, "--url", self.url)
        self.assertRegex(done.stdout + done.stderr, r"16 candidates?|fewer")

    def test_kind_35_an_answer_to_what_is_no_json_has_a_key(self):
        self.open(broker=True)
        publisher = self.publisher
        topic = lab.text("lab/v1/site/room/rig-1/results")

        def answered():
            # The broker drops what comes before the driver has subscribed: an instrument sends again what nobody answered.
            for number, payload in enumerate((b"no json", b'{"rows": [', b"[1]"), 1):
                publisher.send(0x32, topic + struct.pack(">H", number) + payload)
            for _ in range(10):
                publisher.listen()
            return len(publisher.answers) >= 3
        wait_for(answered, "three answers")
        for key, answer in publisher.answers.items():
            self.assertEqual(answer["status"], "refused")
            self.assertEqual(len(key), 64, "the SHA-256 of the payload, so that its sender knows which one was meant")

    def test_kind_35_a_repeated_delivery_is_counted_as_duplicate(self):
        self.open()
        self.apply("again")
        rows = [{"catalyst": "Li/MgO", "values": {"C2_yield": 3}}]
        for _ in range(2):
            (self.deliveries / "again.answer").unlink(missing_ok=True)
            self.rows_exec("again", rows)
        _, driver = self.ask("GET", "/v1/drivers/program")
        self.assertEqual((driver["accepted"], driver["duplicate"]), (1, 1))
        self.assertEqual(len(self.live("again")), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
