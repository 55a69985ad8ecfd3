from .base import *  # noqa: F403

DEBUG = False
SECRET_KEY = os.environ.get("SECRET_KEY", "")  # noqa: F405
ALLOWED_HOSTS = ["newsroom.example"]

DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "newsroom"}}
