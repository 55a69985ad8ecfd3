"""docs/s3.md tells the truth: Amazon's interface takes its documents and commands, and nothing is missing."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import io
import json
import re
import shlex
import textwrap
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name
from django.core.management import call_command

from uploads.s3 import cors
from uploads.s3.notifications.event_options import EventOptions
from uploads.tests.moto import REGION, Moto

GUIDE = Path(__file__).resolve().parents[4] / "docs" / "s3.md"
STATIC = Path(__file__).resolve().parents[2] / "static" / "uploads"

pytestmark = pytest.mark.skipif(not GUIDE.exists(), reason="this copy of the package came without its docs")

# The guide's bucket and region are placeholders for those of the tests.
TEXT = GUIDE.read_text().replace("BUCKET", Moto.bucket).replace("eu-west-1", REGION) if GUIDE.exists() else ""
# Each has the name that the text above it mentions last.
DOCUMENTS = {
    re.findall(r"`(\w+\.json)`", TEXT[: block.start()])[-1]: textwrap.dedent(block[1])
    for block in re.finditer(r"^ *```json\n(.*?)```", TEXT, re.DOTALL | re.MULTILINE)
}
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in textwrap.dedent(block).replace("$TOPIC", f"arn:aws:sns:{REGION}:123456789012:uploads").splitlines()
    if line.startswith("aws ")
]
# Where the command line has another name than the interface.
_RENAMED = {"--notification-endpoint": "--endpoint"}


def test_every_document_is_json_with_a_name() -> None:
    blocks = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)

    assert len(blocks) == len(DOCUMENTS) == 6
    for document in DOCUMENTS.values():
        json.loads(document)


def test_amazons_interface_takes_every_command(moto: Moto) -> None:
    _client(moto, "iam").create_user(UserName="uplift")

    for command in COMMANDS:
        _run(moto, command)

    bucket = {"Bucket": moto.bucket}
    rules = moto.client().get_bucket_lifecycle_configuration(**bucket)["Rules"]
    assert [rule["Filter"]["Prefix"] for rule in rules] == [
        "uploads/",
        "uploads/tails/",
        "uploads/chunks/",
        "uploads/staged/",
        "incoming/",
    ]
    assert moto.client().get_bucket_cors(**bucket)["CORSRules"] == [cors.rule(["https://example.com"])]
    (told,) = moto.client().get_bucket_notification_configuration(**bucket)["TopicConfigurations"]
    (subscription,) = _client(moto, "sns").list_subscriptions()["Subscriptions"]
    assert told["TopicArn"] == subscription["TopicArn"]
    assert subscription["Endpoint"] == "https://example.com/webhooks/s3/"
    used = {name for name in DOCUMENTS if f"file://{name}" in " ".join(COMMANDS)}
    assert used == set(DOCUMENTS)


def test_the_rule_for_browsers_is_what_the_command_prints() -> None:
    out = io.StringIO()
    call_command("uploads_s3_cors", "https://example.com", "--print", stdout=out)

    assert json.loads(DOCUMENTS["cors.json"]) == json.loads(out.getvalue())


def test_every_option_of_the_webhook_is_explained_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", TEXT, re.MULTILINE))
    defaults = {field.name.upper(): field.default for field in dataclasses.fields(EventOptions)}

    assert rows.pop("TOPICS") == "none" and defaults.pop("TOPICS") == ()
    assert {key: default.strip("`").replace(",", "") for key, default in rows.items()} == {
        key: str(default) for key, default in defaults.items()
    }


def test_what_the_python_examples_import_is_there() -> None:
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    statements = [statement for block in blocks for statement in ast.parse(block).body]
    imports = [statement for statement in statements if isinstance(statement, ast.ImportFrom)]

    assert len(blocks) >= 4 and len(imports) >= 2
    for statement in imports:
        module = importlib.import_module(str(statement.module))
        assert {name.name for name in statement.names if not hasattr(module, name.name)} == set()


def test_what_the_javascript_examples_import_is_there() -> None:
    imports = re.findall(r'^import \{ (\w+) \} from "\.\./uploads/(\w+\.js)";', TEXT, re.MULTILINE)

    assert {name for name, _ in imports} == {"send", "uploaders"}
    for name, module in imports:
        assert re.search(
            rf"^export (?:async )?(?:function|const) {name}\b", (STATIC / module).read_text(), re.MULTILINE
        )


def _run(moto: Moto, command: str) -> None:
    """`aws SERVICE OPERATION --option value …`, without the program: its options are the members of the interface."""
    _, service, operation, *options = shlex.split(command)
    client = _client(moto, service)
    members = client.meta.service_model.operation_model(_camel(operation)).input_shape.members
    names = {f"--{xform_name(name, '-')}": name for name in members}
    given: dict[str, Any] = {}
    for option, value in zip(options[::2], options[1::2], strict=True):
        name = names[_RENAMED.get(option, option)]
        text = DOCUMENTS[value.removeprefix("file://")] if value.startswith("file://") else value
        given[name] = json.loads(text) if members[name].type_name == "structure" else text
    getattr(client, xform_name(_camel(operation)))(**given)


def _camel(operation: str) -> str:
    return "".join(word.capitalize() for word in operation.split("-"))


def _client(moto: Moto, service: str) -> Any:
    if service in ("s3", "s3api"):
        return moto.client()
    session = boto3.session.Session("testing", "testing", region_name=REGION)
    return session.client(service, endpoint_url=moto.url)
