"""The OpenAPI document of the real playground: valid as such, and true of the server that serves it."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import requests
import websocket
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

from playground import PATIENCE_SECONDS, Playground  # noqa: E402

# Every request of the run counts as one of this user's; and rooms, too, are for those who have a token.
SETTINGS = {"RATE_LIMIT_PER_ROUTE": "off", "RATE_LIMIT_PER_ADDRESS": "off", "ROOM_AUTH": "all"}
SCOPES = "sync:publish rooms:read rooms:write games:write read write admin"

# A stream has no end to wait for. `stream` asks for it.
STREAM = "/api/rooms/{room_id}/stream"

# A path of each system.
SYSTEMS = ["/sync/examples/updateCounter/v1", "/api/rooms/{room_id}", STREAM, "/api/games/{id}/snapshot", "/ws/games/{id}"]
SYSTEMS += ["/v1/sync/{workspace}", "/v1/history/{workspace}/restore", "/v1/stats"]
SYSTEMS += ["/api/ws/token", "/api/ws/connections", "/api/dev/token", "/healthz"]


def main():
    playground = Playground(**SETTINGS)
    try:
        url = f"{playground.url}/openapi.json"
        document = requests.get(url, timeout=PATIENCE_SECONDS).json()
        OpenAPIV31SpecValidator(document).validate()
        print(f"{url} is valid: {len(document['paths'])} paths")
        missing = [path for path in SYSTEMS if path not in document["paths"]]
        assert not missing, f"not in the document: {missing}"
        token = playground.token(sub="schemathesis", scope=SCOPES)
        stream(playground.url, document["paths"][STREAM]["get"], token)
        sockets(playground.url, document, token)
        workspaces(playground.url, document, token)
        return exercise(url, token)
    finally:
        playground.stop()


def stream(url, operation, token):
    """Holds a stream to what the document says of it."""
    authorization = {"Authorization": f"Bearer {token}"}
    for room, headers in [("hall", authorization), ("hall", {}), ("no%20room", authorization)]:
        path = f"{url}{STREAM.format(room_id=room)}"
        with requests.get(path, headers=headers, stream=True, timeout=PATIENCE_SECONDS) as answer:
            said = operation["responses"][str(answer.status_code)]
            kind = answer.headers["content-type"]
            assert list(said["content"]) == [kind], f"{path}: {answer.status_code} is {kind}"
            if answer.ok:
                assert next(answer.iter_lines()) == b"event: state", path
            else:
                assert answer.json()["error"] in said["content"][kind]["examples"], answer.text
    print(f"{STREAM} is as it is described")


def sockets(url, document, token):
    """Holds what is said on a WebSocket to the schemas of it."""
    authorization = {"Authorization": f"Bearer {token}"}
    for game in ["7", "8"]:
        requests.put(f"{url}/api/games/{game}/snapshot", json={"data": {}}, headers=authorization, timeout=PATIENCE_SECONDS)
    ticket = requests.post(f"{url}/api/ws/token", headers=authorization, timeout=PATIENCE_SECONDS).json()["token"]
    address = f"{url.replace('http', 'ws')}/ws/games/7?token={ticket}"
    socket = websocket.create_connection(address, timeout=PATIENCE_SECONDS)
    said, of_client, of_server = [], validator(document, "SnapshotCommand"), validator(document, "SnapshotMessage")
    topic = {"kind": "game", "id": "8"}
    commands = [{"type": "subscribe", "topic": topic}, {"type": "subscribe", "gameId": 7}]
    commands += [{"type": "unsubscribe", "topic": topic}, {"type": "ping"}, {"type": "dance"}]
    for command in commands:
        assert of_client.is_valid(command) == (command["type"] != "dance"), command
        socket.send(json.dumps(command))
    while not said or said[-1]["type"] != "error":
        said.append(json.loads(socket.recv()))
        of_server.validate(said[-1])
    socket.close()
    types = {message["type"] for message in said}
    assert types == {"snapshot", "ack", "pong", "error"}, types
    print(f"{len(said)} messages of a WebSocket are as they are described")


def workspaces(url, document, token):
    """Holds what is said of a workspace to the schemas of it."""
    address = f"{url.replace('http', 'ws')}/v1/sync/board?presence=1&token={token}"
    socket = websocket.create_connection(address, timeout=PATIENCE_SECONDS)
    said, of_client, of_server = [], validator(document, "WorkspaceCommand"), validator(document, "WorkspaceMessage")
    payload = {"key": "title", "value": {"of": ["the", "board", 1, None]}}
    commands = [{"type": "op", "id": "1", "payload": payload}, {"type": "op", "payload": {**payload, "timestamp": 7}}]
    commands += [{"type": "delete", "payload": {"key": "title"}}, {"type": "ping"}, {"type": "dance"}]
    for command in commands:
        assert of_client.is_valid(command) == (command["type"] != "dance"), command
        socket.send(json.dumps(command))
    while {message["type"] for message in said} != {"init", "presence", "op", "delete", "ack", "pong", "error"}:
        said.append(json.loads(socket.recv()))
        of_server.validate(said[-1])
    socket.close()
    socket = websocket.create_connection(f"{address}&heads={heads(said)}")
    resumed = json.loads(socket.recv())
    of_server.validate(resumed)
    assert resumed["type"] == "resume", resumed
    socket.close()
    print(f"{len(said) + 1} messages of a workspace are as they are described")


def heads(said):
    """The heads of the first op that was told."""
    return next(message for message in said if message["type"] == "op")["heads"][0]


def validator(document, schema):
    """What tells whether something is of one of the document's schemas."""
    return Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": document["components"]})


def exercise(url, token):
    """Sends what the document allows and what it forbids; returns schemathesis's exit code."""
    command = ["--config-file", str(HERE / "schemathesis.toml"), "run", url]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "checks", "PYTHONPATH": str(HERE)}
    program = str(pathlib.Path(sys.executable).parent / "schemathesis")
    # It keeps what it found in the folder that it runs in.
    with tempfile.TemporaryDirectory(prefix="syncline-openapi-") as folder:
        return subprocess.call(
            [program, *command, "--header", f"Authorization: Bearer {token}", "--exclude-path", STREAM],
            cwd=folder,
            env=environment,
        )


if __name__ == "__main__":
    sys.exit(main())
