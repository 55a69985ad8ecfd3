"""bin/serve: in debug mode on an address of this machine alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.ROOT)
PINS = "requirements.txt"

# All is as ever, but that the static files stay where they are, and that in the server's place is told with what it
# would have been started.
PYTHON = f"""#!/bin/sh
if [ "$2" = collectstatic ]; then exit; fi
if [ "$2" = config.serve ]; then env; echo "ARGUMENTS $*"; exit; fi
exec {sys.executable} "$@"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("site", "apps", "static", "templates", "manage.py", PINS, "bin"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "bin").unlink()
    (tmp_path / "bin").mkdir()
    for script in ("serve", "lib.sh"):
        (tmp_path / "bin" / script).write_bytes((ROOT / "bin" / script).read_bytes())
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    (tmp_path / ".venv" / f"installed-{PINS}").write_text(2 * (ROOT / PINS).read_text())  # nothing to install
    return tmp_path


def served(checkout: Path, **environment: str) -> dict[str, str]:
    done = serve(checkout, **environment)
    assert done.returncode == 0, done.stderr
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def serve(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": os.environ["PATH"], "PORT": "58713", "DATA_DIR": str(checkout / "data"), **environment}
    return subprocess.run(["bash", "bin/serve"], cwd=checkout, env=given, capture_output=True, text=True, timeout=120)


def test_on_this_machine_alone_it_is_in_debug_mode(checkout: Path) -> None:
    assert served(checkout)["DEBUG"] == "1"


def test_for_other_machines_it_is_not(checkout: Path) -> None:
    first = served(checkout, HOST="0.0.0.0")

    assert "DEBUG" not in first
    assert first["ALLOWED_HOSTS"] == "localhost,127.0.0.1,[::1]"
    assert len(first["SECRET_KEY"]) >= 50
    key = checkout / "data" / "secret_key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = served(checkout, HOST="0.0.0.0", ALLOWED_HOSTS="uplift.example")
    assert again["SECRET_KEY"] == first["SECRET_KEY"] == key.read_text().strip()
    assert again["ALLOWED_HOSTS"] == "uplift.example"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_debug_mode_is_refused_to_other_machines(checkout: Path, host: str) -> None:
    done = serve(checkout, HOST=host, DEBUG="1")

    assert done.returncode == 1
    assert "DEBUG is for your own machine" in done.stderr
