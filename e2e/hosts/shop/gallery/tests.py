from django.test import SimpleTestCase, override_settings

PLAIN = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}


@override_settings(STORAGES=PLAIN)
class CatalogueTests(SimpleTestCase):
    def test_products_are_cards(self):
        self.assertContains(self.client.get("/"), '<article class="card">', 2)
