"""The OpenAPI document of the real playground: valid as such, and true of the server that serves it."""

import os
import pathlib
import subprocess
import sys
import tempfile

import requests
from openapi_spec_validator import OpenAPIV31SpecValidator

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

from playground import PATIENCE_SECONDS, Playground  # noqa: E402

# Every request of the run counts as one of this user's.
UNLIMITED = {"RATE_LIMIT_PER_ROUTE": "off", "RATE_LIMIT_PER_ADDRESS": "off"}


def main():
    playground = Playground(**UNLIMITED)
    try:
        url = f"{playground.url}/openapi.json"
        document = requests.get(url, timeout=PATIENCE_SECONDS).json()
        OpenAPIV31SpecValidator(document).validate()
        print(f"{url} is valid: {len(document['paths'])} paths")
        return exercise(url, playground.token(sub="schemathesis", scope="sync:publish"))
    finally:
        playground.stop()


def exercise(url, token):
    """Sends what the document allows and what it forbids; returns schemathesis's exit code."""
    command = ["--config-file", str(HERE / "schemathesis.toml"), "run", url]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "checks", "PYTHONPATH": str(HERE)}
    program = str(pathlib.Path(sys.executable).parent / "schemathesis")
    # It keeps what it found in the folder that it runs in.
    with tempfile.TemporaryDirectory(prefix="syncline-openapi-") as folder:
        return subprocess.call(
            [program, *command, "--header", f"Authorization: Bearer {token}"], cwd=folder, env=environment
        )


if __name__ == "__main__":
    sys.exit(main())
