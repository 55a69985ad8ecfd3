from django.contrib.auth import get_user_model
from django.db import connection
from django.test import TestCase


class DeskTests(TestCase):
    def test_it_counts_people(self):
        get_user_model().objects.create_user("ada")

        self.assertContains(self.client.get("/"), "1 people")
        self.assertTrue(connection.settings_dict["ATOMIC_REQUESTS"])
