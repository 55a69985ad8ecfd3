"""The Dockerfile and compose.yaml say what the Procfile and the requirements say. Nothing of it is run here."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from config.tests.test_settings import variables

ROOT = Path(settings.ROOT)
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
APP = json.loads((ROOT / "app.json").read_text())
PROCFILE = dict(line.split(": PYTHONPATH=site:apps ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
OWN = {name for name, service in SERVICES.items() if "build" in service}


def instruction(name: str) -> list[str]:
    return re.findall(rf"^{name} (.*(?:\\\n.*)*)", DOCKERFILE, re.MULTILINE)


def test_the_image_runs_what_the_procfile_says_on_what_the_site_runs_on() -> None:
    (image,), (command,) = instruction("FROM"), instruction("CMD")

    assert image == f"python:{(ROOT / '.python-version').read_text().strip()}-slim"
    assert "pip install --no-cache-dir -r requirements.txt" in instruction("RUN")[0]
    assert json.loads(command) == ["sh", "-c", f"exec {PROCFILE['web']}"]
    assert "collectstatic --noinput" in instruction("RUN")[1]
    assert instruction("USER") == ["uplift"]


def test_the_image_sets_variables_that_there_are() -> None:
    given = dict(pair.split("=", 1) for pair in instruction("ENV")[0].split())

    assert given["PYTHONPATH"] == "site:apps"
    assert set(given) - {"PYTHONPATH", "PYTHONUNBUFFERED"} <= variables()


def test_what_a_checkout_has_written_stays_out_of_the_image() -> None:
    left_out = (ROOT / ".dockerignore").read_text().split()
    kept_by_git = (ROOT / ".gitignore").read_text().split()

    assert {".env", ".git", ".venv", "var"} <= set(left_out)
    assert {path.strip("/") for path in kept_by_git} - {path.removeprefix("**/") for path in left_out} <= {
        "node_modules"
    }


def test_each_line_of_the_procfile_is_a_service_and_no_other_is_of_the_site() -> None:
    assert {*PROCFILE, "make-bucket"} == OWN
    assert SERVICES["web"]["deploy"] == {"replicas": 2} and "command" not in SERVICES["web"]
    assert " ".join(SERVICES["worker"]["command"]) == f"{PROCFILE['worker']} --health 127.0.0.1:9000"
    assert "http://127.0.0.1:9000/" in SERVICES["worker"]["healthcheck"]["test"][-1]
    assert SERVICES["release"]["command"] == ["sh", "-c", PROCFILE["release"]]
    assert SERVICES["web"]["stop_grace_period"] == SERVICES["worker"]["stop_grace_period"] == "30s"


@pytest.mark.parametrize("name", sorted(PROCFILE))
def test_they_have_all_that_several_machines_need(name: str) -> None:
    given = SERVICES[name]["environment"]

    assert set(given) <= variables()
    assert given["JOBS"] == APP["env"]["JOBS"]["value"]
    for url, service in (("DATABASE_URL", "postgres"), ("REDIS_URL", "redis"), ("AWS_S3_ENDPOINT_URL", "bucket")):
        host, port = re.search(r"//(?:[^@/]*@)?([\w.]+):(\d+)", given[url]).groups()  # type: ignore[union-attr]
        names = [service, *SERVICES[service].get("networks", {}).get("default", {}).get("aliases", ())]
        assert host in names and port in ("5432", "6379", "8333")
    assert not SERVICES[name].get("volumes")  # nothing of value is on their disks


def test_everything_waits_for_what_it_needs_and_nothing_names_what_is_not_there() -> None:
    for service in SERVICES.values():
        needed = service.get("depends_on", {})
        assert set(needed) <= set(SERVICES)
        for name, how in needed.items() if isinstance(needed, dict) else ():
            assert how["condition"] != "service_healthy" or "healthcheck" in SERVICES[name]
    assert all("depends_on" in SERVICES[name] for name in OWN)


def test_every_dollar_is_one_that_compose_understands() -> None:
    lines = [line for line in (ROOT / "compose.yaml").read_text().splitlines() if not line.startswith("#")]

    assert re.findall(r"\$(?!\$|\{[A-Z_]+:\?[^${}]*\})", re.sub(r"\$\$", "", "\n".join(lines))) == []


def test_images_have_plain_names() -> None:
    named = [service["image"] for service in SERVICES.values()] + instruction("FROM")

    assert [image for image in named if not re.fullmatch(r"([a-z]+/)?[a-z]+(:[\w.-]+)?", image)] == []


def test_the_balancer_understands_its_configuration(tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(nginx).exists():
        pytest.skip("there is no nginx here")
    site = COMPOSE["configs"]["balancer"]["content"].replace("$$", "$").replace("web:8000", "127.0.0.1:8000")
    whole = f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off;\n{site}}}"
    (tmp_path / "nginx.conf").write_text(whole.replace("listen 80;", "listen 127.0.0.1:18080;"))

    done = subprocess.run(
        [nginx, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr


def test_the_one_click_deployment_has_the_same_processes_and_what_they_need() -> None:
    assert set(APP["formation"]) == set(PROCFILE) - {"release"}
    assert {addon.split(":")[0] for addon in APP["addons"]} == {"heroku-postgresql", "heroku-redis", "bucketeer"}


def fly_toml() -> dict[str, Any]:
    """The fly.toml of docs/deploy.md."""
    guide = (ROOT / "docs" / "deploy.md").read_text()
    return tomllib.loads(re.search(r"```toml\n(# fly\.toml.*?)```", guide, re.DOTALL)[1])  # type: ignore[index]


def test_the_guide_has_the_same_lines_for_fly() -> None:
    fly = fly_toml()

    worker = f"{PROCFILE['worker']} --health 0.0.0.0:{fly['checks']['worker']['port']}"
    assert fly["processes"] == {"app": PROCFILE["web"].replace("$PORT", "8000"), "worker": worker}
    assert fly["deploy"]["release_command"] == f"sh -c '{PROCFILE['release']}'"
