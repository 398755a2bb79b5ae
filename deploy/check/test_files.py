"""Dockerfile, docker-compose.yml and the workflows, each by the linter or the program that reads it.

No image is built and no workflow is run: that takes docker and GitHub.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
SETTINGS = ROOT / "server" / "src" / "config" / "table.rs"


def run(program, *arguments, environment=None):
    """Runs a program of this environment and returns its exit code and all that it said."""
    ended = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **(environment or {})},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ended.returncode, ended.stdout + ended.stderr


def temporary(test, name, text):
    folder = tempfile.TemporaryDirectory()
    test.addCleanup(folder.cleanup)
    file = Path(folder.name) / name
    file.write_text(text)
    return file


class Dockerfile(unittest.TestCase):
    def test_it_is_as_the_linter_wants_it(self):
        self.assertEqual(run("hadolint", "Dockerfile"), (0, ""))

    def test_the_linter_finds_what_is_wrong(self):
        text = (ROOT / "Dockerfile").read_text()
        code, said = run("hadolint", temporary(self, "Dockerfile", f"{text}\nRUN cd /tmp && sudo true\nFORM scratch\n"))
        self.assertEqual(code, 1, said)

    def test_what_the_platform_asks_for(self):
        final = (ROOT / "Dockerfile").read_text().split("\nFROM ")[-1]
        for line in ["USER 10001:10001", "EXPOSE 4000", "HOST=0.0.0.0", "SYNCLINE_ENV=production", "HEALTHCHECK"]:
            self.assertIn(line, final)
        self.assertIn("GET /healthz ", final)


class Compose(unittest.TestCase):
    def config(self, file="docker-compose.yml", **environment):
        # A file of the person who runs this, `.env`, has no say.
        arguments = ["--env-file", "/dev/null", "--file", file, "config", "--format", "json"]
        return run("docker-compose", *arguments, environment=environment)

    def test_compose_reads_it(self):
        code, said = self.config(GHCR_REPOSITORY="acme/sync", JWT_SECRET="0123456789abcdef0123456789abcdef")
        self.assertEqual(code, 0, said)
        services = json.loads(said)["services"]
        self.assertEqual(set(services), {"sync", "redis"})
        sync = services["sync"]
        self.assertEqual(sync["image"], "ghcr.io/acme/sync:latest")
        self.assertEqual([(port["target"], port["published"]) for port in sync["ports"]], [(4000, "4000")])
        self.assertEqual((sync["restart"], services["redis"]["restart"]), ("unless-stopped", "unless-stopped"))
        named = {"PORT": "4000", "CORS_ORIGINS": "", "ROOM_TTL_SECONDS": "86400", "MAX_STATE_BYTES": "32768"}
        self.assertEqual(sync["environment"], {**sync["environment"], **named})
        self.assertEqual(sync["environment"]["REDIS_URL"], "redis://redis:6379")
        self.assertEqual([volume["target"] for volume in sync["volumes"]], [sync["environment"]["DATA_DIR"]])
        self.assertNotIn("ports", services["redis"])

    def test_it_sets_only_what_the_server_has(self):
        code, said = self.config(GHCR_REPOSITORY="acme/sync", JWT_SECRET="0123456789abcdef0123456789abcdef")
        self.assertEqual(code, 0, said)
        settings = set(re.findall(r'^    (?:setting|secret)\("\w+", "(\w+)"', SETTINGS.read_text(), re.MULTILINE))
        self.assertIn("JWT_SECRET", settings)
        self.assertEqual(set(json.loads(said)["services"]["sync"]["environment"]) - settings, set())

    def test_nothing_starts_without_a_secret_or_an_image(self):
        code, said = self.config(GHCR_REPOSITORY="acme/sync")
        self.assertNotEqual(code, 0)
        self.assertIn("JWT_SECRET", said)
        code, said = self.config(JWT_SECRET="0123456789abcdef0123456789abcdef")
        self.assertNotEqual(code, 0)
        self.assertIn("GHCR_REPOSITORY", said)

    def test_compose_finds_what_is_wrong(self):
        text = (ROOT / "docker-compose.yml").read_text().replace("restart:", "restarts:")
        file = temporary(self, "docker-compose.yml", text)
        code, said = self.config(file, GHCR_REPOSITORY="acme/sync", JWT_SECRET="0123456789abcdef0123456789abcdef")
        self.assertNotEqual(code, 0)
        self.assertIn("restarts", said)


class Workflows(unittest.TestCase):
    FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

    def lint(self, *files):
        # Without shellcheck, where it happens to be installed: the same result on every machine.
        return run("actionlint", "-no-color", "-shellcheck=", "-pyflakes=", *files)

    def test_they_are_as_the_linter_wants_them(self):
        self.assertEqual([file.name for file in self.FILES], ["image.yml", "supply-chain.yml", "test.yml"])
        self.assertEqual(self.lint(*self.FILES), (0, ""))

    def test_the_linter_finds_what_is_wrong(self):
        text = (ROOT / ".github" / "workflows" / "image.yml").read_text()
        for old, new in [
            ("steps.metadata.outputs", "steps.meta.outputs"),
            ("runs-on:", "run-on:"),
            ("packages: write", "packages: wirte"),
            ("          load: true", "          laod: true"),
        ]:
            self.assertIn(old, text)
            code, said = self.lint(temporary(self, "image.yml", text.replace(old, new)))
            self.assertEqual(code, 1, f"{new}: {said}")


if __name__ == "__main__":
    unittest.main()
