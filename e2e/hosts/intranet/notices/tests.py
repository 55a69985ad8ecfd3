from django.test import SimpleTestCase


class NoticesTests(SimpleTestCase):
    def test_each_language_has_its_address(self):
        self.assertContains(self.client.get("/de/"), "Notices (de)")
        self.assertEqual(self.client.get("/").headers["Location"], "/intranet/en/")
