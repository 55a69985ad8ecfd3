"""The settings come from the environment alone, and docs/settings.md has all of them."""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as current

from avatars.conf import Conf as AvatarsConf
from config import s3
from gallery.conf import Conf as GalleryConf
from liveview.conf import Conf as LiveviewConf
from uploads.conf import Conf as UploadsConf
from videos.conf import Conf as VideosConf

ROOT = Path(current.ROOT)
DOCS = (ROOT / "docs" / "settings.md").read_text()
CONFS = {
    "AVATARS": AvatarsConf,
    "GALLERY": GalleryConf,
    "LIVEVIEW": LiveviewConf,
    "UPLOADS": UploadsConf,
    "VIDEOS": VideosConf,
}
# What a host sets for a site with everything.
DEPLOYED = {
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUV",
    "ALLOWED_HOSTS": "uplift.example",
    "HTTPS": "1",
    "DATABASE_URL": "postgres://u:p@db.example:5433/uplift",
    "REDIS_URL": "redis://redis.example:6379/3",
    "AWS_STORAGE_BUCKET_NAME": "a-bucket",
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_S3_REGION_NAME": "eu-central-1",
}


def run(code: str, tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`code` in a process of its own, with nothing but this environment."""
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join([str(ROOT / "site"), str(ROOT / "apps")]),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATA_DIR": str(tmp_path),
        **environment,
    }
    return subprocess.run([sys.executable, *code.split("\0")], cwd=ROOT, env=env, capture_output=True, text=True)


def setting(expression: str, tmp_path: Path, **environment: str) -> Any:
    """What an expression with the settings as `s` is, as JSON has it."""
    code = f"import json; from django.conf import settings as s; print(json.dumps({expression}, default=str))"
    done = run(f"-c\0{code}", tmp_path, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# -- What they do


def test_without_debug_a_secret_key_is_required(tmp_path: Path) -> None:
    done = run("-c\0from django.conf import settings; settings.DEBUG", tmp_path, ALLOWED_HOSTS="a")

    assert done.returncode != 0
    assert "Set SECRET_KEY to a long random string" in done.stderr


def test_a_developer_needs_no_environment_but_debug(tmp_path: Path) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.db import connection\n"
        "with connection.cursor() as cursor:\n"
        "    print(cursor.execute('PRAGMA journal_mode').fetchone()[0])"
    )
    done = run(f"-c\0{code}", tmp_path, DEBUG="1")

    assert done.stdout.split() == ["wal"], done.stderr
    assert (tmp_path / "site.sqlite3").exists()


def test_a_deployed_site_uses_what_the_host_offers(tmp_path: Path) -> None:
    found = setting(
        "[s.DATABASES['default']['ENGINE'], s.DATABASES['default']['HOST'], s.DATABASES['default']['PORT'],"
        " s.CHANNEL_LAYERS['default']['BACKEND'], s.CACHES['default']['LOCATION'], s.STORAGES['default']['BACKEND'],"
        " s.DEBUG, s.SESSION_COOKIE_SECURE, s.SECURE_SSL_REDIRECT]",
        tmp_path,
        **DEPLOYED,
    )

    assert found == [
        "django.db.backends.postgresql",
        "db.example",
        5433,
        "channels_redis.core.RedisChannelLayer",
        "redis://redis.example:6379/3",
        "uploads.s3.storage.PrivateS3Storage",
        False,
        True,
        True,
    ]


def test_the_check_for_deployment_finds_nothing(tmp_path: Path) -> None:
    done = run("manage.py\0check\0--deploy\0--fail-level\0WARNING", tmp_path, **DEPLOYED)

    assert done.returncode == 0, done.stderr


def test_a_database_with_few_connections_gets_a_pool(tmp_path: Path) -> None:
    expression = "s.DATABASES['default'].get('OPTIONS')"

    assert setting(expression, tmp_path, **DEPLOYED) in (None, {})
    pooled = setting(expression, tmp_path, **DEPLOYED, DATABASE_POOL="7")
    assert pooled["pool"]["max_size"] == 7


def test_the_host_may_name_the_site(tmp_path: Path) -> None:
    environment = {
        "SECRET_KEY": "x",
        "FLY_APP_NAME": "uplift",
        "RENDER_EXTERNAL_HOSTNAME": "uplift.onrender.com",
        "HEROKU_APP_DEFAULT_DOMAIN_NAME": "uplift-1.herokuapp.com",
        "RAILWAY_PUBLIC_DOMAIN": "uplift.up.railway.app",
    }

    assert set(setting("s.ALLOWED_HOSTS", tmp_path, **environment)) == {
        "uplift.fly.dev",
        "uplift.onrender.com",
        "uplift-1.herokuapp.com",
        "uplift.up.railway.app",
    }


def test_limits_are_variables_too(tmp_path: Path) -> None:
    found = setting(
        "[s.VIDEOS, s.GALLERY, s.LIVEVIEW['MAX_SOCKETS'], s.UPLOADS['UPLOAD_STATE_STORE']]",
        tmp_path,
        DEBUG="1",
        VIDEOS_MAX_FILE_SIZE="1000000",
        GALLERY_SHARED="False",
        LIVEVIEW_MAX_SOCKETS="5",
        UPLOADS_UPLOAD_STATE_STORE="memory",
    )

    assert found == [{"MAX_FILE_SIZE": 1_000_000}, {"SHARED": False}, 5, "memory"]


def test_names_may_have_spaces_around_their_commas(tmp_path: Path) -> None:
    found = setting(
        "[s.ALLOWED_HOSTS, s.CSRF_TRUSTED_ORIGINS, s.SECRET_KEY_FALLBACKS]",
        tmp_path,
        SECRET_KEY="x",
        ALLOWED_HOSTS="a.example, b.example ,",
        CSRF_TRUSTED_ORIGINS=" https://a.example, https://b.example",
        SECRET_KEY_FALLBACKS="old, older",
    )

    assert found == [
        ["a.example", "b.example"],
        ["https://a.example", "https://b.example"],
        ["old", "older"],
    ]


@pytest.mark.parametrize(
    ("variable", "wrong", "right"),
    [
        ("DEBUG", "maybe", "1 or 0"),
        ("HTTPS", "hush", "1 or 0"),
        ("METRICS", "hush", "1 or 0"),
        ("REDIS_SELF_SIGNED", "hush", "1 or 0"),
        ("HSTS_SECONDS", "1h", "3600"),
        ("DATABASE_POOL", "few", "0"),
        ("AWS_QUERYSTRING_EXPIRE", "1d", "86400"),
        ("LOG_FORMAT", "xml", "json, text"),
        ("LOG_LEVEL", "loud", "INFO"),
        ("DATABASE_URL", "hush", "postgres://user:password@host:5432/name"),
        ("DATABASE_URL", "mongo://hush@db.example/x", "postgres://user:password@host:5432/name"),
        ("DATABASE_URL", "postgres://u:hush@db.example:port/x", "postgres://user:password@host:5432/name"),
        ("REDIS_URL", "hush@redis.example:6379", "redis://:password@host:6379/0"),
        ("VIDEOS_MAX_FILE_SIZE", "500MB", "500000000"),
        ("VIDEOS_MAX_FILE_SIZE", "0", "500000000"),
        ("GALLERY_MAX_FILE_SIZE", "10MB", "10000000"),
    ],
)
def test_a_wrong_value_ends_with_the_variable_and_a_right_one(
    tmp_path: Path, variable: str, wrong: str, right: str
) -> None:
    """And an address, which may have a password in it, isn't shown."""
    done = run("-c\0import config.settings", tmp_path, **{**DEPLOYED, variable: wrong})
    said = done.stderr.splitlines()[-1]

    assert done.returncode != 0
    assert "ImproperlyConfigured: " in said and variable in said and right in said
    assert not variable.endswith("_URL") or "hush" not in done.stderr


WRONG = {
    "UPLOADS_WINDOW": "8MB",
    "UPLOADS_S3": "{bad",
    "UPLOADS_S3_EVENTS": "{bad",
    "LIVEVIEW_MAX_BODY": "10MB",
    "LIVEVIEW_SOCKET_PATH": "5",
    "GALLERY_PAGE_SIZE": "abc",
    "VIDEOS_WORKERS": "0",
}
NOT_THERE = {
    "UPLOADS_INTAKE": "nope",
    "UPLOADS_TUS_INTAKE": "nope",
    "UPLOADS_UPLOAD_STATE_STORE": "reddis",
    "UPLOADS_MAX_FRAME": "9000000",
    "UPLOADS_ALLOWED_ORIGINS": '["app.example.com"]',
    "LIVEVIEW_BODY_LIMITS": '[["/videos/", "501MB"]]',
}


@pytest.mark.parametrize("wrong", [WRONG, NOT_THERE], ids=["kinds", "values"])
def test_every_wrong_key_of_a_package_is_told_by_the_check_with_a_right_one(
    tmp_path: Path, wrong: dict[str, str]
) -> None:
    done = run("manage.py\0check", tmp_path, DEBUG="1", **wrong)

    assert done.returncode != 0 and "Traceback" not in done.stderr
    assert [name for name in wrong if f"{name}=" not in done.stderr] == []


def test_a_single_site_may_be_named_as_it_is(tmp_path: Path) -> None:
    done = run("manage.py\0check", tmp_path, DEBUG="1", UPLOADS_ALLOWED_ORIGINS="https://app.example.com")

    assert done.returncode == 0, done.stderr


def test_a_page_can_say_that_what_a_form_sends_is_too_large(tmp_path: Path) -> None:
    """What the server refuses before Django sees it has no page around it."""
    limits = dict(setting("s.LIVEVIEW['BODY_LIMITS']", tmp_path, DEBUG="1", VIDEOS_MAX_FILE_SIZE="1000000"))

    assert limits["/videos/"] >= 4 * 1_000_000
    assert limits["/avatars/"] >= 4 * 5_000_000


def test_nothing_is_missing_before_static_files_are_collected(tmp_path: Path) -> None:
    done = run("manage.py\0check", tmp_path, **DEPLOYED)

    assert done.returncode == 0 and "No directory at" not in done.stderr


def test_a_misspelt_limit_is_told_by_the_check(tmp_path: Path) -> None:
    done = run("manage.py\0check", tmp_path, DEBUG="1", LIVEVIEW_MAX_SOKETS="1")

    assert done.returncode != 0
    assert "liveview.E001" in done.stderr and "max_sokets" in done.stderr


# -- The bucket


@pytest.mark.parametrize(
    "names",
    [
        ("AWS_STORAGE_BUCKET_NAME", "AWS_ACCESS_KEY_ID", "AWS_S3_REGION_NAME", ""),
        ("BUCKETEER_BUCKET_NAME", "BUCKETEER_AWS_ACCESS_KEY_ID", "BUCKETEER_AWS_REGION", ""),
        ("BUCKET_NAME", "AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_ENDPOINT_URL_S3"),
    ],
)
def test_a_bucket_is_found_under_the_names_of_its_host(tmp_path: Path, names: tuple[str, ...]) -> None:
    values = ("a-bucket", "an-id", "eu-west-1", "https://s3.example")
    environment = {name: value for name, value in zip(names, values, strict=True) if name}

    found = setting(
        "[s.AWS_STORAGE_BUCKET_NAME, s.AWS_ACCESS_KEY_ID, s.AWS_S3_REGION_NAME, s.STORAGES['default']['BACKEND'],"
        " s.AWS_S3_FILE_OVERWRITE, s.AWS_QUERYSTRING_AUTH]",
        tmp_path,
        DEBUG="1",
        **environment,
    )

    assert found == [*values[:3], "uploads.s3.storage.PrivateS3Storage", False, True]


def test_browsers_may_fetch_from_the_bucket_and_from_nowhere_else(tmp_path: Path) -> None:
    policy = setting("s.CONTENT_SECURITY_POLICY['DIRECTIVES']", tmp_path, **DEPLOYED)

    for directive in ("img-src", "media-src", "connect-src"):
        others = [source for source in policy[directive] if source.startswith("http")]
        assert "https://a-bucket.s3.eu-central-1.amazonaws.com" in others
        assert all("a-bucket" in source for source in others)
    assert policy["default-src"] == ["'self'"]


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("http://127.0.0.1:5000", ["http://127.0.0.1:5000"]),
        ("https://s3.example/", ["https://s3.example", "https://b.s3.example"]),
    ],
)
def test_a_bucket_elsewhere_has_that_places_origins(endpoint: str, expected: list[str]) -> None:
    assert s3.origins({"AWS_STORAGE_BUCKET_NAME": "b", "AWS_S3_ENDPOINT_URL": endpoint}) == expected


def test_the_site_does_not_serve_what_is_in_the_bucket(tmp_path: Path) -> None:
    code = (
        "import django; django.setup()\n"
        "from django.urls import resolve, Resolver404\n"
        "try: print(resolve('/media/avatars/' + 'a' * 32 + '.png'))\n"
        "except Resolver404: print('nothing')"
    )

    assert run(f"-c\0{code}", tmp_path, DEBUG="1").stdout.startswith("ResolverMatch")
    bucket = {"AWS_STORAGE_BUCKET_NAME": "b", "AWS_S3_REGION_NAME": "eu-west-1"}
    assert run(f"-c\0{code}", tmp_path, DEBUG="1", **bucket).stdout == "nothing\n"


SETTINGS = "{name: repr(getattr(s, name)) for name in dir(s) if name.isupper()}"


@pytest.mark.parametrize("environment", [{"DEBUG": "1"}, DEPLOYED], ids=["a developer's", "deployed"])
def test_a_variable_without_a_value_is_not_set(tmp_path: Path, environment: dict[str, str]) -> None:
    """As hosts' forms, .env files and compose files leave them."""
    left = {"DATA_DIR", "PATH", "PORT", *environment}
    keys = {f"{name}_{field.name.upper()}" for name, conf in CONFS.items() for field in dataclasses.fields(conf)}
    empty = dict.fromkeys((variables() | keys) - left, "") | {"HSTS_SECONDS": " "}

    assert setting(SETTINGS, tmp_path, **environment, **empty) == setting(SETTINGS, tmp_path, **environment)


# -- docs/settings.md


def variables() -> set[str]:
    """Every name that the site or its packages read from the environment."""
    found = {name for names in s3.VARIABLES.values() for name in names}
    for path in [*(ROOT / "site").rglob("*.py"), *(ROOT / "apps").rglob("*.py")]:
        if "tests" not in path.parts:
            found |= set(_read(ast.parse(path.read_text())))
    for name in ("Procfile", "bin/serve"):
        found |= set(re.findall(r"\$\{?([A-Z][A-Z_]+)", (ROOT / name).read_text()))
    return found - {
        "DJANGO_SETTINGS_MODULE",
        "PYTHON",
        "ROOT",
        "VENV",
        "VENV_PYTHON",
        "PYTHONPATH",
        "BASH_SOURCE",
        "VIRTUAL_ENV",
    }


def _read(tree: ast.AST) -> list[str]:
    """`env.str("X")`, `os.environ.get("X")`, `os.environ["X"]`."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=value), args=[ast.Constant(value=str(name)), *_]):
                pass
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
                pass
            case _:
                continue
        if ast.unparse(value) in ("env", "os.environ"):
            found.append(name)
    return found


def test_the_variables_are_found() -> None:
    assert {"SECRET_KEY", "REDIS_URL", "LOG_LEVEL", "AWS_STORAGE_BUCKET_NAME", "PORT"} <= variables()


@pytest.mark.parametrize("name", sorted(variables()))
def test_every_variable_is_in_the_table(name: str) -> None:
    assert re.search(rf"^\|[^|]*`{name}`", DOCS, re.MULTILINE), f"docs/settings.md has no row for {name}"


@pytest.mark.parametrize(
    ("setting_name", "field"),
    [(name, field) for name, conf in CONFS.items() for field in dataclasses.fields(conf)],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_every_key_is_in_the_table_with_its_default(setting_name: str, field: dataclasses.Field[Any]) -> None:
    row = re.search(rf"^\| `{setting_name}_{field.name.upper()}` \| ([^|]*) \|", DOCS, re.MULTILINE)

    assert row is not None, f"docs/settings.md has no row for {setting_name}_{field.name.upper()}"
    if isinstance(field.default, bool | int | float):
        assert row[1].strip("`") == json.dumps(field.default)
    elif isinstance(field.default, str) and field.default:
        assert row[1].strip("`") == field.default


def test_the_table_has_no_variable_that_is_read_by_nobody() -> None:
    keys = {f"{name}_{field.name.upper()}" for name, conf in CONFS.items() for field in dataclasses.fields(conf)}
    rows = {
        name for cell in re.findall(r"^\|([^|]*)\|", DOCS, re.MULTILINE) for name in re.findall(r"`([A-Z_0-9]+)`", cell)
    }

    assert rows - keys - variables() == set()


def test_the_guide_to_deployment_names_no_variable_that_there_is_not() -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text()
    named = set(re.findall(r"\b([A-Z][A-Z0-9]*_[A-Z0-9_]+|HTTPS)=", guide)) | set(
        re.findall(r"`([A-Z]+_[A-Z_]+)`", guide)
    )
    keys = {f"{name}_{field.name.upper()}" for name, conf in CONFS.items() for field in dataclasses.fields(conf)}

    assert {"SECRET_KEY", "REDIS_URL", "STATIC_ROOT"} <= named
    assert named - variables() - keys == set()


# -- One click


def test_the_one_click_deployment_sets_variables_that_there_are() -> None:
    app = json.loads((ROOT / "app.json").read_text())

    assert set(app["env"]) <= variables()
    assert app["env"]["SECRET_KEY"] == {"description": "Signs sessions and cookies.", "generator": "secret"}


def test_what_the_one_click_deployment_sets_is_a_site_that_passes_the_check(tmp_path: Path) -> None:
    given = {
        name: entry["value"]
        for name, entry in json.loads((ROOT / "app.json").read_text())["env"].items()
        if "value" in entry
    }
    addons = {
        "DATABASE_URL": DEPLOYED["DATABASE_URL"],
        "REDIS_URL": "rediss://:p@redis.example:6380",
        "BUCKETEER_BUCKET_NAME": "a-bucket",
        "BUCKETEER_AWS_ACCESS_KEY_ID": "id",
        "BUCKETEER_AWS_SECRET_ACCESS_KEY": "secret",
        "BUCKETEER_AWS_REGION": "eu-central-1",
    }

    done = run(
        "manage.py\0check\0--deploy\0--fail-level\0WARNING",
        tmp_path,
        SECRET_KEY=DEPLOYED["SECRET_KEY"],
        **given,
        **addons,
    )

    assert done.returncode == 0, done.stderr
