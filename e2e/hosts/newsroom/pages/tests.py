from django.test import TestCase

from pages.models import Page


class PageTests(TestCase):
    def test_a_page_is_at_its_address(self):
        Page.objects.create(address="about/us", title="About us")

        self.assertContains(self.client.get("/about/us/"), "About us")
        self.assertEqual(self.client.get("/about/them/").status_code, 404)
