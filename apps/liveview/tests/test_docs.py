"""docs/liveview.md tells the truth: its examples run in a fresh project, and nothing is missing from it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import liveview
from liveview import LiveView
from liveview.conf import Conf
from liveview.core import messages
from liveview.testing import LivePage

from .guide import write_files

PACKAGE = Path(liveview.__file__).resolve().parent
DOCS = PACKAGE.parents[1] / "docs"

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="copied without its documentation")


@pytest.fixture(scope="module")
def guide() -> str:
    return (DOCS / "liveview.md").read_text()


@pytest.fixture(scope="module")
def protocol() -> str:
    text = (DOCS / "protocol.md").read_text()
    return text.partition("## The runtime's messages")[2].partition("\n## ")[0]


# -- The examples


def run(folder: Path, *command: str) -> str:
    names = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH")
    env = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def fresh_project(tmp_path: Path, guide: str) -> Path:
    """What `startproject` and `startapp` make, with this package copied into it and the guide's files."""
    run(tmp_path, "-m", "django", "startproject", "project", ".")
    shutil.copytree(PACKAGE, tmp_path / "liveview", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    write_files(guide, tmp_path)
    return tmp_path


def test_every_example_of_the_guide_runs(fresh_project: Path) -> None:
    assert "no issues" in run(fresh_project, "manage.py", "check")

    told = run(fresh_project, "-m", "pytest", "-q", "--ds=project.settings", "-p", "no:cacheprovider", "tests.py")

    assert "8 passed" in told


def test_the_server_may_be_left_out(fresh_project: Path) -> None:
    """Of its folder only bytecode is left, as after a `git rm`."""
    shutil.rmtree(fresh_project / "liveview/daphne")
    (fresh_project / "liveview/daphne/__pycache__").mkdir(parents=True)

    assert "no issues" in run(fresh_project, "manage.py", "check")
    assert "1 passed" in run(
        fresh_project,
        "-m",
        "pytest",
        "-q",
        "--ds=project.settings",
        "-p",
        "no:cacheprovider",
        "tests.py::test_counting",
    )


def test_the_guide_names_all_its_files(guide: str) -> None:
    unnamed = [
        block for block in re.findall(r"(.*)\n```(?:python|html)\n", guide) if not block.startswith("<!-- file:")
    ]

    assert unnamed == []


# -- The reference


def attributes() -> set[str]:
    found = set()
    for module in (PACKAGE / "static/liveview").glob("*.js"):
        text = module.read_text()
        found |= set(re.findall(r"\bdj-[a-z]+(?:-[a-z]+)*", text))
        for kinds in re.findall(r"\bkinds: \[([^\]]+)\]", text):
            found |= {f"dj-{kind}" for kind in re.findall(r'"(\w+)"', kinds)}
    return found


def test_every_attribute_is_in_the_reference(guide: str) -> None:
    reference = guide.partition("### Attributes")[2].partition("\n### ")[0]

    assert {"dj-click", "dj-submit", "dj-input", "dj-stream"} <= attributes()
    assert [name for name in sorted(attributes()) if not re.search(rf"`{name}[`=]", reference)] == []


def test_every_setting_is_in_the_reference_with_its_default(guide: str) -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", guide, re.MULTILINE))

    assert rows == {field.name.upper(): str(field.default).join(['"'] * 2 if field.type == "str" else [""] * 2)
                    for field in fields(Conf)}  # fmt: skip


def test_every_public_method_of_a_view_is_in_the_reference(guide: str) -> None:
    reference = guide.partition("### `LiveView`")[2].partition("\n### ")[0]
    inherited = {"get", "post", "setup", "as_view", "dispatch", "extension_class", "http_method_names"}
    public = {name for name in vars(LiveView) if not name.startswith(("_", "live_"))} - inherited

    assert [name for name in sorted(public) if not re.search(rf"`{name}\b", reference)] == []


def test_every_method_of_a_test_page_is_in_the_guide(guide: str) -> None:
    public = {name for name in vars(LivePage) if not name.startswith("_")} - {"connect", "event"}

    assert [name for name in sorted(public) if not re.search(rf"`{name}\b", guide)] == []


SERVER_MESSAGES = [
    messages.mounted(1, "", "", "", False, 1), messages.patch(1, []), messages.html(1, ""), messages.stream("", []),
    messages.ack(1), messages.result(1, None), messages.error("", "", ref=1, error_id=""), messages.push("", None),
    messages.title(""), messages.flash("", ""), messages.url("", False), messages.redirect(""), messages.reload(),
    messages.heartbeat(),
]  # fmt: skip


def test_no_message_is_forgotten_here() -> None:
    makers = {
        name
        for name, value in vars(messages).items()
        if callable(value) and getattr(value, "__annotations__", {}).get("return") == "Message" and name != "parse"
    }

    assert makers == {message["type"] for message in SERVER_MESSAGES}


@pytest.mark.parametrize("kind", [*messages.CLIENT, *(message["type"] for message in SERVER_MESSAGES)])
def test_every_message_is_in_the_protocol(protocol: str, kind: str) -> None:
    assert f"**`{kind}`**" in protocol


def test_every_field_is_in_the_protocol(protocol: str) -> None:
    names = {name for checks in messages.CLIENT.values() for name in checks}
    names |= {name for message in SERVER_MESSAGES for name in message} - {"type"}

    assert [name for name in sorted(names) if f"`{name}`" not in protocol and f'"{name}"' not in protocol] == []


def test_every_error_and_close_code_is_in_the_protocol(protocol: str) -> None:
    source = "".join(path.read_text() for path in PACKAGE.rglob("*.py") if "tests" not in path.parts)
    codes = set(re.findall(r'(?:messages\.error|Refused)\(\s*"(\w+)"', source))
    closes = {value for name, value in vars(messages.CloseCode).items() if not name.startswith("_")}

    assert {"bad_params", "not_found", "server_error"} <= codes
    assert [code for code in sorted(codes) if f"`{code}`" not in protocol] == []
    assert [code for code in sorted(closes) if f"| {code} |" not in protocol] == []


def test_the_javascript_handles_every_message() -> None:
    source = "".join(path.read_text() for path in (PACKAGE / "static/liveview").glob("*.js"))

    for message in SERVER_MESSAGES:
        kind = message["type"]
        assert re.search(rf"^  {kind}\(", source, re.MULTILINE) or f'"{kind}"' in source, kind
