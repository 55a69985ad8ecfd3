from django.test import TestCase

from accounts.models import Member


class HomeTests(TestCase):
    def test_visitors_are_led_to_the_login(self):
        self.assertRedirects(self.client.get("/"), "/login/?next=/")

    def test_members_are_welcome(self):
        self.client.force_login(Member.objects.create_user("ada", number=1))

        self.assertContains(self.client.get("/"), "Welcome, ada")
