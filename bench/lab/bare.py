"""A Django project as `startproject` makes it, with one plain view, and none of ours: its settings and URLs."""

from __future__ import annotations

from typing import Final

from django.urls import path

from bench.lab.plain import plain

SECRET_KEY: Final = "of the benchmark"
ALLOWED_HOSTS: Final = ["127.0.0.1"]
ROOT_URLCONF: Final = "bench.lab.bare"
USE_TZ: Final = True
DATABASES: Final = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS: Final = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE: Final = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

urlpatterns = [path("bench/plain/", plain), path("healthz", plain)]
