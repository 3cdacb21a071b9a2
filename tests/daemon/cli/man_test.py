"""The manual page says what the program says."""
import importlib.util
import os
import pathlib
import re
import unittest

from program import KASETSU

MAN = pathlib.Path(os.environ["KASETSU_SOURCE"]) / "docs" / "man"
spec = importlib.util.spec_from_file_location("make", MAN / "make.py")
make = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make)


class Manual(unittest.TestCase):
    maxDiff = 2000

    def test_page_is_made_from_this_program(self):
        self.assertEqual((MAN / "kasetsu.1").read_text(encoding="utf-8"), make.page(KASETSU),
                         "run: python3 docs/man/make.py build/release/bin/kasetsu")

    def test_every_command_and_flag_is_there(self):
        page = (MAN / "kasetsu.1").read_text(encoding="utf-8").replace("\\-", "-")
        sections = dict(re.findall(r"^\.SS kasetsu (.+)\n((?:(?!\.S[SH]).*\n)*)", page, re.MULTILINE))
        found = 0
        for item in make.sections(KASETSU):
            section = sections[" ".join(item.path)]
            for _, name, text in item.items:
                if name.startswith("-h,"):
                    continue
                found += 1
                self.assertIn(name, section)
                self.assertTrue(text, f"{item.path}: {name} says nothing")
        self.assertGreater(found, 150)


if __name__ == "__main__":
    unittest.main(verbosity=2)
