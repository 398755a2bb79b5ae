"""Fails when files that must name the same thing have drifted apart.

- docker-compose.yml pulls the image that .github/workflows/image.yml publishes: ghcr.io/<owner>/<repo>:latest.
- Dockerfile and .github/workflows/test.yml take the Rust of rust-toolchain.toml.

    python deploy/check/drift.py [--repository <owner>/<repo>] [--root FOLDER]

It reads files and nothing else: whether they are valid is for other tests.
"""

import argparse
import os
import re
import sys
import tomllib
from pathlib import Path

import yaml

COMPOSE = "docker-compose.yml"
IMAGE_WORKFLOW = ".github/workflows/image.yml"
TEST_WORKFLOW = ".github/workflows/test.yml"
DOCKERFILE = "Dockerfile"
TOOLCHAIN = "rust-toolchain.toml"

# The variable of docker-compose.yml that holds <owner>/<repo>.
REPOSITORY_VARIABLE = "GHCR_REPOSITORY"
MAIN = "refs/heads/main"


class Drift(Exception):
    """What does not agree, for people."""


def interpolated(text, variables):
    """A value of a Compose file with its `${NAME}`, `${NAME:-default}` and `${NAME:?message}` filled in."""

    def value(match):
        name, kind, rest = match.group("name", "kind", "rest")
        if name in variables:
            return variables[name]
        if kind == "-":
            return rest
        raise Drift(f"{COMPOSE}: nothing says what `{name}` is in `{text}`")

    return re.sub(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}", value, text)


def pulled_image(root, repository):
    """What docker-compose.yml pulls where nothing but the repository is set."""
    services = yaml.safe_load((root / COMPOSE).read_text()).get("services", {})
    if "image" not in services.get("sync", {}):
        raise Drift(f"{COMPOSE}: no service `sync` with an image")
    return interpolated(services["sync"]["image"], {REPOSITORY_VARIABLE: repository})


def published_image(root, repository):
    """What the workflow publishes from main as `latest`."""
    jobs = yaml.safe_load((root / IMAGE_WORKFLOW).read_text())["jobs"].values()
    steps = [step for job in jobs for step in job["steps"]]
    metadata = [step["with"] for step in steps if step.get("uses", "").startswith("docker/metadata-action@")]
    if len(metadata) != 1:
        raise Drift(f"{IMAGE_WORKFLOW}: {len(metadata)} steps name the image, and not one")
    latest = rf"type=raw,value=latest,enable=\${{{{ github\.ref == '{MAIN}' }}}}"
    if not re.search(rf"^{latest}$", metadata[0]["tags"], re.MULTILINE):
        raise Drift(f"{IMAGE_WORKFLOW}: does not publish `latest` from main")
    # The action writes names in lower case, as registries want them.
    image = re.sub(r"\$\{\{ *github\.repository *\}\}", repository, metadata[0]["images"].strip()).lower()
    return f"{image}:latest"


def image_drift(root, repository):
    expected = f"ghcr.io/{repository}:latest"
    for file, image in [(COMPOSE, pulled_image(root, repository)), (IMAGE_WORKFLOW, published_image(root, repository))]:
        if image != expected:
            raise Drift(f"{file}: the image is `{image}`, and has to be `{expected}`")


def rust_drift(root):
    channel = tomllib.loads((root / TOOLCHAIN).read_text())["toolchain"]["channel"]
    dockerfile = re.search(r"^ARG RUST_VERSION=(\S+)$", (root / DOCKERFILE).read_text(), re.MULTILINE)
    container = yaml.safe_load((root / TEST_WORKFLOW).read_text())["jobs"]["test"]["container"]["image"]
    container = re.fullmatch(r"rust:([\d.]+)-\w+", container)
    for file, found in [(DOCKERFILE, dockerfile), (TEST_WORKFLOW, container)]:
        if not found or found.group(1) != channel:
            version = found.group(1) if found else "none that can be found"
            raise Drift(f"{file}: the Rust version is {version}, and {TOOLCHAIN} says {channel}")


def check(root, repository=None):
    """Raises Drift when something does not agree. A repository that is not known is taken from docker-compose.yml."""
    if not repository:
        named = re.search(r"image: ghcr\.io/([\w.-]+/[\w.-]+):", (root / COMPOSE).read_text())
        repository = named.group(1) if named else "owner/repo"
    image_drift(root, repository.lower())
    rust_drift(root)


def main():
    parser = argparse.ArgumentParser(description="Fails when files that must name the same thing have drifted apart.")
    parser.add_argument("--repository", default=os.environ.get("GITHUB_REPOSITORY"), metavar="OWNER/REPO")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[2], metavar="FOLDER")
    arguments = parser.parse_args()
    try:
        check(arguments.root, arguments.repository)
    except Drift as drift:
        return f"drifted: {drift}"
    return 0


if __name__ == "__main__":
    sys.exit(main())
