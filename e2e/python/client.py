"""The stock python-socketio client, with its events in queues so that a test can wait for them."""

import queue

import socketio

# How long an answer or an event may take. No test waits for it to pass; it only ends one that hangs.
PATIENCE_SECONDS = 10


class Client:
    """One connection."""

    def __init__(self):
        self._socket = socketio.Client(reconnection=False, handle_sigint=False)
        self._events = queue.Queue()
        self._refusals = queue.Queue()
        self._socket.on("sync", self._events.put)
        self._socket.on("connect_error", self._refusals.put)

    def connect(self, url, transport, **auth):
        """Connects with this handshake; raises socketio's `ConnectionError` if it is refused."""
        self._socket.connect(url, transports=[transport], auth=auth, wait_timeout=PATIENCE_SECONDS)
        return self

    @property
    def transport(self):
        """The transport that is in use."""
        return self._socket.transport()

    @property
    def connected(self):
        """Whether the connection stands."""
        return self._socket.connected

    def refusal(self):
        """What the server said when it refused the handshake."""
        return self._refusals.get(timeout=PATIENCE_SECONDS)

    def ask(self, event, payload):
        """Emits an event and returns its acknowledgement."""
        return self._socket.call(event, payload, timeout=PATIENCE_SECONDS)

    def join(self, room):
        """Joins a room and returns all rooms joined."""
        return self.ask("joinRoom", {"room": room})["rooms"]

    def sync(self, name, version, data, receiver, **more):
        """Sends a sync event and returns its acknowledgement."""
        return self.ask("sync", {"name": name, "version": version, "data": data, "receiver": receiver, **more})

    def event(self):
        """The next sync event that arrives."""
        return self._events.get(timeout=PATIENCE_SECONDS)

    def close(self):
        """Ends the connection."""
        self._socket.disconnect()
