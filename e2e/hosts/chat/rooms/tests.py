from channels.testing import WebsocketCommunicator
from django.test import SimpleTestCase, TransactionTestCase


class RoomTests(SimpleTestCase):
    def test_a_room_has_a_page(self):
        self.assertContains(self.client.get("/gallery/"), "Room gallery")


class SocketTests(TransactionTestCase):
    async def test_everybody_hears_what_one_says(self):
        from chat.asgi import application

        headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
        one, other = (WebsocketCommunicator(application, "/ws/lobby/", headers=headers) for _ in range(2))
        for each in (one, other):
            connected, _ = await each.connect()
            self.assertTrue(connected)
        await one.send_to(text_data="hello")

        self.assertEqual(await other.receive_from(), "hello")
        await one.disconnect()
        await other.disconnect()
