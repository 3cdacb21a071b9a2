"""The dashboard in Debian's Chromium: dashboard/dashboard_test.mjs, with its libraries from npm's lock file."""
import os
import shutil
import subprocess
import sys
import unittest

SOURCE, BIN, BUILD = sys.argv[1:4]
HERE = os.path.join(SOURCE, "tests", "e2e", "dashboard")
PATIENCE = int(os.environ.get("KASETSU_PATIENCE", "1"))


class Dashboard(unittest.TestCase):
    def needed(self, name, *programs):
        found = next((path for path in map(shutil.which, programs) if path), None)
        if found is None:
            if os.environ.get("CI") == "true":
                self.fail(f"missing in CI: {name}")
            self.skipTest(f"not on this machine: {name}")
        return found

    def libraries(self):
        """Fetches them once into the build folder."""
        folder = os.path.join(BUILD, "dashboard")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(HERE, "package-lock.json"), encoding="utf-8") as file:
            wanted = file.read()
        lock = os.path.join(folder, "package-lock.json")
        known = open(lock, encoding="utf-8").read() if os.path.exists(lock) else ""
        if known != wanted or not os.path.isdir(os.path.join(folder, "node_modules")):
            for name in ("package.json", "package-lock.json"):
                shutil.copy(os.path.join(HERE, name), folder)
            done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder,
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                if os.environ.get("CI") == "true":
                    self.fail(done.stderr)
                self.skipTest("the test's libraries cannot be fetched: " + done.stderr[-300:])
        return folder

    def test_in_chromium(self):
        node = self.needed("node", "node")
        self.needed("npm", "npm")
        chromium = self.needed("chromium", "chromium", "chromium-browser", "google-chrome")
        environment = dict(os.environ, KASETSU_NODE_MODULES=self.libraries(),
                           KASETSU_SHOTS=os.environ.get("KASETSU_SHOTS", os.path.join(BUILD, "dashboard", "shots")))
        done = subprocess.run([node, os.path.join(HERE, "dashboard_test.mjs"), BIN, chromium], env=environment, text=True,
                              capture_output=True, timeout=550 * PATIENCE, check=False)
        print(done.stdout, file=sys.stderr)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
