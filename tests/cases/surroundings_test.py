"""Kinds 23 and 24: installations and folders as they are."""
import http.client
import os
import socket
import unittest

from doors import Laboratory, wait_for

TABLE = b"M1,Support,C2_yield\nLi,MgO,3\n"
# 82 characters of three bytes each, and the ending: 250 bytes.
JAPANESE = "触媒活性試験結果報告書" * 7 + "最終版改訂"


class Surroundings(Laboratory):
    def test_kind_23_a_data_folder_below_a_symbolic_link(self):
        real = self.folder / "disk"
        (real / "data").mkdir(parents=True)
        (self.folder / "link").symlink_to(real)
        (self.folder / "data").symlink_to(self.folder / "link" / "data")
        _, self.url = self.start()
        self.apply("linked")
        self.table_http("linked", TABLE)
        self.assertEqual(self.live("linked"), [("Li:1/MgO", 3.0, ())])
        self.assertTrue(list((real / "data").iterdir()))

    def test_kind_23_the_other_loopback_address(self):
        with socket.socket(socket.AF_INET6) as probe:
            try:
                probe.bind(("::1", 0))
            except OSError:
                self.skipTest("this machine has no IPv6")
            port = probe.getsockname()[1]
        _, _ = self.start("--listen", f"[::1]:{port}")
        self.ok("campaign", "list", "--url", f"http://[::1]:{port}")
        self.assertIn("no daemon listens", self.refused(69, "campaign", "list", "--url", "http://[::1]:9"))

    def test_kind_23_a_proxy_of_the_environment(self):
        self.open()
        proxies = {name: "http://127.0.0.1:9" for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")}
        self.apply("behind")
        done = self.run_program("results", "import", "behind", self.file("a.csv", TABLE), "--url", self.url, environment=proxies)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_kind_23_a_reverse_proxy_is_told_the_host_and_the_key(self):
        self.open()
        connection = http.client.HTTPConnection(*self.url[7:].split(":"))
        connection.request("GET", "/v1/campaigns", headers={"Host": "kasetsu.lab.example"})
        answer = connection.getresponse()
        text = answer.read().decode()
        self.assertEqual(answer.status, 421)
        for part in ("kasetsu.lab.example", "hosts", "kasetsud.toml"):
            self.assertIn(part, text)
        connection.close()

    def test_kind_24_what_operating_systems_put_into_folders(self):
        names = ["desktop.ini", "Thumbs.db", "ehthumbs.db", "~$results.xlsx", ".DS_Store", "._results.csv", "results.csv~"]
        self.open(self.folder_driver(self.folder, "files", {}))
        self.apply("files")
        inbox = self.folder / "files" / "inbox"
        for name in names:
            (inbox / name).write_bytes(b"[.ShellClassInfo]\r\nIconFile=x\r\n")
        (inbox / "results.csv").write_bytes(TABLE)
        wait_for(lambda: self.live("files"), "the table")
        wait_for(lambda: not (inbox / "results.csv").exists(), "the table to be moved")
        self.assertEqual(sorted(path.name for path in inbox.iterdir()), sorted(names))
        self.assertEqual(list((self.folder / "files" / "quarantine").iterdir()), [])

    def test_kind_24_names_of_250_bytes_of_japanese(self):
        good, bad = JAPANESE[:-1] + "一.csv", JAPANESE[:-1] + "二.csv"
        self.assertEqual({len(name.encode()) for name in (good, bad)}, {250})
        self.open(self.folder_driver(self.folder, "files", {}))
        self.apply("files")
        place = self.folder / "files"
        (place / "inbox" / good).write_bytes(TABLE)
        (place / "inbox" / bad).write_bytes(b"nothing,that,is,read\n1,2,3,4\n")
        wait_for(lambda: not list((place / "inbox").iterdir()) and not list((place / "work").iterdir()), "both tables")
        wait_for(lambda: self.live("files"), "the good one")
        done = [name for _, _, names in os.walk(os.fsencode(place / "done")) for name in names]
        aside = os.listdir(os.fsencode(place / "quarantine"))
        self.assertEqual((len(done), len(aside)), (1, 2), (done, aside))
        for name in done + aside:
            name.decode("utf-8")  # not cut within a character
        self.assertTrue(any(name.endswith(b".reason.json") for name in aside))


if __name__ == "__main__":
    unittest.main(verbosity=2)
