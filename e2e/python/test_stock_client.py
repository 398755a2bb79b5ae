"""What a stock python-socketio client can do with the real playground, over each transport."""

import re
import unittest

import socketio

from client import Client
from playground import Playground

KANA = re.compile("[\u3040-\u30ff]")


class Basics:
    """The tests of every transport; the classes below name one each."""

    transport = None

    @classmethod
    def setUpClass(cls):
        cls.playground = Playground()
        cls.addClassCleanup(cls.playground.stop)

    def user(self, sub, *rooms, **claims):
        """A connected client of that user, a member of these rooms."""
        client = self.connect(token=self.playground.token(sub=sub, **claims))
        for room in rooms:
            client.join(room)
        return client

    def connect(self, **auth):
        client = Client()
        self.addCleanup(client.close)
        return client.connect(self.playground.url, self.transport, **auth)

    def test_rooms_are_joined_listed_and_left(self):
        ada = self.user("ada")
        self.assertEqual(self.transport, ada.transport)
        self.assertEqual(["zebra"], ada.join("zebra"))
        self.assertEqual(["zebra", "部屋"], ada.join("部屋"))
        self.assertEqual({"status": "success", "rooms": ["部屋"]}, ada.ask("leaveRoom", {"room": "zebra"}))
        self.assertEqual({"status": "success", "rooms": ["部屋"]}, ada.ask("getJoinedRooms", {}))

    def test_an_event_is_acknowledged_and_reaches_the_room(self):
        members = [self.user(sub, "game") for sub in ("ada", "bob", "cy")]
        ack = members[0].sync("examples/updateCounter", "v1", {"amount": 5}, "game")
        self.assertEqual({"status": "success", "serverOutput": {"newValue": 6}}, ack)
        for member in members:
            self.assertEqual(
                {
                    "name": "examples/updateCounter",
                    "version": "v1",
                    "room": "game",
                    "status": "success",
                    "serverOutput": {"newValue": 6},
                    "clientOutput": {},
                },
                member.event(),
            )

    def test_ignore_self_leaves_out_the_caller(self):
        ada, bob = self.user("ada", "self"), self.user("bob", "self")
        ada.sync("test/nestedTest/room", "v1", {"step": 1, "active": True}, "self", ignoreSelf=True)
        ada.sync("test/nestedTest/room", "v1", {"step": 2, "active": True}, "self")
        # A room's events come in order: that the second one is the first to arrive proves the first was left out.
        self.assertEqual(2, ada.event()["serverOutput"]["step"])
        self.assertEqual([1, 2], [bob.event()["serverOutput"]["step"] for _ in range(2)])

    def test_an_error_comes_in_the_language_of_the_session(self):
        too_large = ("examples/updateCounter", "v1", {"amount": 101}, "languages")
        for locale, is_japanese in (("ja", True), ("en", False)):
            ack = self.user("ada", "languages", locale=locale).sync(*too_large)
            message = ack.pop("message")
            self.assertEqual(
                {
                    "status": "error",
                    "errorCode": "counter.amountTooLarge",
                    "errorParams": {"max": 100},
                    "httpStatus": 422,
                },
                ack,
            )
            self.assertEqual(is_japanese, bool(KANA.search(message)), message)
        anonymous = self.connect(locale="ja")
        anonymous.join("languages")
        ack = anonymous.sync(*too_large)
        self.assertEqual("auth.required", ack["errorCode"])
        self.assertRegex(ack["message"], KANA)

    def test_a_token_that_cannot_be_trusted_is_refused(self):
        client = Client()
        self.addCleanup(client.close)
        with self.assertRaises(socketio.exceptions.ConnectionError):
            client.connect(self.playground.url, self.transport, token="nonsense")
        self.assertRegex(client.refusal()["message"], r"^auth\.invalid: \S")
        self.assertFalse(client.connected)

    def test_binary_data_is_refused_and_the_connection_stays(self):
        ada = self.user("ada", "binary")
        ack = ada.sync("examples/updateCounter", "v1", {"amount": b"\x01"}, "binary")
        self.assertEqual(("error", "sync.invalidRequest"), (ack["status"], ack["errorCode"]))
        self.assertEqual("success", ada.sync("examples/updateCounter", "v1", {"amount": 1}, "binary")["status"])


class OverWebSocket(Basics, unittest.TestCase):
    transport = "websocket"


class OverPolling(Basics, unittest.TestCase):
    transport = "polling"


if __name__ == "__main__":
    unittest.main()
