"""Settings of the site. Everything that differs between machines comes from the environment."""

from __future__ import annotations

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from config import databases, login, logs, s3
from config.env import ROOT, env, keys_of, own_hosts, size_of

DEBUG = env.flag("DEBUG")
if DEBUG:
    SECRET_KEY = env.str("SECRET_KEY", default="insecure-and-only-for-debug")
else:
    SECRET_KEY = env.str("SECRET_KEY", default="")
    if not SECRET_KEY:
        raise ImproperlyConfigured("Set SECRET_KEY to a long random string, or DEBUG=1 on your own machine.")
SECRET_KEY_FALLBACKS = env.names("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = [
    *env.names("ALLOWED_HOSTS", default=[".localhost", "127.0.0.1", "[::1]"] if DEBUG else []),
    *own_hosts(),
]
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS")

# Everything that the running site writes is below this folder.
DATA_DIR = Path(env.str("DATA_DIR", default=str(ROOT / "var")))
DATA_DIR.mkdir(parents=True, exist_ok=True)

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "config.apps.SignInAttempts",
    "copying",
    "liveview",
    "uploads",
    "avatars",
    "gallery",
    "videos",
    "otherways",
]

MIDDLEWARE = [
    "config.headers.on_every_answer",
    "config.health.probes",
    "django.middleware.security.SecurityMiddleware",
    "config.static_files.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "config.headers.admins_styles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

AUTHENTICATION_BACKENDS = ["axes.backends.AxesBackend", "django.contrib.auth.backends.ModelBackend"]
globals().update(login.SETTINGS)

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.sharing.page",
            ],
        },
    },
]

# Data, and who does what takes long
DATABASES = {"default": databases.database(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = databases.redis_url()
CHANNEL_LAYERS = databases.channel_layers(REDIS_URL)
CACHES = databases.caches(REDIS_URL)
JOBS = databases.jobs(DATABASES["default"])
if JOBS == "procrastinate":
    INSTALLED_APPS.insert(0, "procrastinate.contrib.django")

# Files
STATIC_URL = "static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(DATA_DIR / "static")))
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # before collectstatic, too, WhiteNoise wants to find it
STATICFILES_DIRS = [ROOT / "static"]
BUCKET = s3.settings()
globals().update(BUCKET)  # django-storages and uploads.s3 look for them here
BUCKET_ORIGINS = s3.origins(BUCKET)
MEDIA_ROOT = DATA_DIR / "media"
# The site itself serves files from its own disk only.
MEDIA_URL = f"{BUCKET_ORIGINS[0]}/" if BUCKET else "media/"
STORAGES = {
    "default": {
        "BACKEND": "uploads.s3.storage.PrivateS3Storage" if BUCKET else "django.core.files.storage.FileSystemStorage"
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.storage.HashedStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# Staging is on the same file system as MEDIA_ROOT, so that saving an upload renames it, and outside it, so that nobody
# can fetch it. Every other key may come from the environment.
UPLOADS = {
    "STAGING_DIR": DATA_DIR / "staging",
    "STAGING": "bucket" if BUCKET else "disk",
    "INTAKE": "received",
    "TUS_INTAKE": "videos",
    **keys_of("UPLOADS"),
}
LIVEVIEW = {"LAYOUT": "live.html", "TITLE_SUFFIX": " · Uplift", "JOBS": JOBS, **keys_of("LIVEVIEW")}
AVATARS = keys_of("AVATARS")
GALLERY = keys_of("GALLERY")
VIDEOS = keys_of("VIDEOS")
VIDEO = size_of(VIDEOS, "VIDEOS", "MAX_FILE_SIZE", 500_000_000)
# A form without JavaScript sends its files as they are: up to twenty photos, or a video, and a megabyte around them.
LIVEVIEW.setdefault(
    "BODY_LIMITS",
    [
        ("/try/", 1_001_000_000),  # of the start page: twice what is taken, so that the page can say what is too large
        ("/avatars/", 21_000_000),  # four times what is taken, so that the page can say what is too large
        ("/gallery/", 20 * size_of(GALLERY, "GALLERY", "MAX_FILE_SIZE", 10_000_000) + 1_000_000),
        ("/videos/", 4 * VIDEO + 1_000_000),  # the same
        # The other ways in, whose intakes have limits of their own.
        ("/tus/", max(VIDEO, 250_000_000)),
        ("/upload", 251_000_000),
        ("/api/upload", 251_000_000),
    ],
)

# Safety
HTTPS = env.flag("HTTPS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if HTTPS:  # browsers take a cookie of such a name from this very host only, and over HTTPS
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = HTTPS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = env.number("HSTS_SECONDS", default=3600)
# Whether every subdomain has HTTPS, and whether that is for ever, is for the domain's owner to say, not for one site
# on it: HSTS stays without includeSubDomains and preload.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:", *BUCKET_ORIGINS],
        "media-src": ["'self'", "blob:", *BUCKET_ORIGINS],
        "connect-src": ["'self'", *BUCKET_ORIGINS],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}
# Small bodies only: files travel through the upload machine, whose own limits hold.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
DATA_UPLOAD_MAX_NUMBER_FILES = 20

# Those in which every text is there: a page is never half in another.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [ROOT / "locale"]
LANGUAGE_COOKIE_SAMESITE, LANGUAGE_COOKIE_SECURE = "Lax", HTTPS
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

LOGGING = logs.logging(debug=DEBUG)
METRICS = env.flag("METRICS")
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
if METRICS and not METRICS_TOKEN:
    raise ImproperlyConfigured(
        "METRICS=1 needs a METRICS_TOKEN: a long random text, which whoever asks for /metrics has to send."
    )
