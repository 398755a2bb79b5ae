"""drift.py on this repository's files, as they are and with one thing changed."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import drift

ROOT = Path(__file__).parents[2]
FILES = [drift.COMPOSE, drift.IMAGE_WORKFLOW, drift.TEST_WORKFLOW, drift.DOCKERFILE, drift.TOOLCHAIN]
PULLED = "ghcr.io/${GHCR_REPOSITORY:?set it to <owner>/<repo>, in lower case}:${IMAGE_TAG:-latest}"


class Drifting(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for file in FILES:
            (self.root / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, self.root / file)

    def change(self, file, old, new):
        text = (self.root / file).read_text()
        self.assertEqual(text.count(old), 1, f"`{old}` in {file}")
        (self.root / file).write_text(text.replace(old, new))

    def assert_drifted(self, says, repository="Acme/Sync"):
        with self.assertRaises(drift.Drift) as drifted:
            drift.check(self.root, repository)
        self.assertIn(says, str(drifted.exception))

    def test_nothing_has_drifted(self):
        drift.check(ROOT)
        drift.check(ROOT, "acme/sync")
        drift.check(ROOT, "Acme/Sync")

    def test_the_repository_may_be_written_out(self):
        self.change(drift.COMPOSE, PULLED, "ghcr.io/acme/sync:latest")
        drift.check(self.root, "Acme/Sync")
        drift.check(self.root)

    def test_another_repository(self):
        self.change(drift.COMPOSE, PULLED, "ghcr.io/acme/sink:latest")
        self.assert_drifted("docker-compose.yml: the image is `ghcr.io/acme/sink:latest`")

    def test_another_registry(self):
        self.change(drift.COMPOSE, "image: ghcr.io/", "image: docker.io/")
        self.assert_drifted("docker-compose.yml: the image is `docker.io/acme/sync:latest`")

    def test_another_tag(self):
        self.change(drift.COMPOSE, ":-latest}", ":-v1.0.0}")
        self.assert_drifted("docker-compose.yml: the image is `ghcr.io/acme/sync:v1.0.0`")

    def test_a_variable_that_nothing_sets(self):
        self.change(drift.COMPOSE, "${IMAGE_TAG:-latest}", "${TAG}")
        self.assert_drifted("docker-compose.yml: nothing says what `TAG` is")

    def test_no_service(self):
        self.change(drift.COMPOSE, "  sync:\n", "  server:\n")
        self.assert_drifted("docker-compose.yml: no service `sync`")

    def test_published_elsewhere(self):
        self.change(drift.IMAGE_WORKFLOW, "images: ghcr.io/${{ github.repository }}", "images: ghcr.io/acme/other")
        self.assert_drifted("image.yml: the image is `ghcr.io/acme/other:latest`")

    def test_latest_is_not_published(self):
        self.change(drift.IMAGE_WORKFLOW, "type=raw,value=latest,", "type=raw,value=newest,")
        self.assert_drifted("image.yml: does not publish `latest`")

    def test_another_rust(self):
        self.change(drift.DOCKERFILE, "ARG RUST_VERSION=", "ARG RUST_VERSION=1.")
        self.assert_drifted("Dockerfile: the Rust version is 1.")

    def test_another_rust_in_the_tests(self):
        self.change(drift.TEST_WORKFLOW, "image: rust:", "image: rust:1.")
        self.assert_drifted("test.yml: the Rust version is 1.")

    def test_the_script_says_so_and_fails(self):
        self.change(drift.COMPOSE, ":-latest}", ":-v1.0.0}")
        script = [sys.executable, Path(drift.__file__), "--repository", "acme/sync", "--root"]
        failed = subprocess.run([*script, self.root], capture_output=True, text=True)
        self.assertEqual((failed.returncode, failed.stdout), (1, ""))
        self.assertIn("drifted: docker-compose.yml: the image is", failed.stderr)
        passed = subprocess.run([*script, ROOT], capture_output=True, text=True)
        self.assertEqual((passed.returncode, passed.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
