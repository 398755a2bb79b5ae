"""A playground server of one's own for the tests: started on a free port, stopped afterwards. It asserts nothing."""

import os
import pathlib
import re
import subprocess
import tempfile
import threading

import requests

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]

# How long the server may take to listen, and to stop. Generous: a machine that builds at the same time is slow.
PATIENCE_SECONDS = 20


class Playground:
    """The server, from its start to `stop`."""

    def __init__(self, **settings):
        binary = os.environ.get("SYNCLINE_PLAYGROUND_BIN", str(REPOSITORY / "target/debug/playground"))
        # A folder of its own and no inherited environment: no settings of the person who runs the tests get in.
        self._folder = tempfile.TemporaryDirectory(prefix="syncline-e2e-")
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "SYNCLINE_ENV": "development",
            "PORT": "0",
            "RUST_LOG": "warn",
            **settings,
        }
        self._process = subprocess.Popen(
            [binary], cwd=self._folder.name, env=environment, stdout=subprocess.PIPE, text=True
        )
        self._url = None
        self._listens = threading.Event()
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()
        self._listens.wait(PATIENCE_SECONDS)
        if self._url is None:
            self._process.kill()
            self._process.wait()
            raise RuntimeError(f"{binary} did not say `listening on http://...`")

    @property
    def url(self):
        """Where it listens."""
        return self._url

    def token(self, **claims):
        """A token with these claims (`sub`, `name`, `locale`, `scope`, `rooms`)."""
        response = requests.post(f"{self.url}/api/dev/token", json=claims, timeout=PATIENCE_SECONDS)
        response.raise_for_status()
        return response.json()["token"]

    def stop(self):
        """Asks it to stop and returns its exit code."""
        self._process.terminate()
        try:
            code = self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._folder.cleanup()
        return code

    def _read_output(self):
        # It reads to the end: a pipe that nobody reads would fill up and stop the server.
        for line in self._process.stdout:
            found = re.search(r"listening on (http://\S+)", line)
            if found:
                self._url = found.group(1)
                self._listens.set()
            else:
                print(line, end="")
        self._listens.set()
