"""An uploader of the page's own, uploads that a page mints, and S3's event of one."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from e2e.direct.pages import PART, visit
from e2e.support.proxy import FaultProxy
from e2e.support.server import Server
from uploads.tests.moto import Moto
from uploads.tests.signing import Signer, event, record

# -- An uploader of the page's own, and one that a page mints


def test_a_page_may_have_an_uploader_of_its_own(page: Page, link: FaultProxy, small: Path) -> None:
    visit(page, link)
    page.evaluate(
        """async () => {
            const { uploaders } = await import("/static/uploads/external.js");
            uploaders.set("Depot", async ({ file, grant, progress }) => {
                window.depot = [grant.name, (await file.arrayBuffer()).byteLength];
                progress(file.size);
            });
        }"""
    )

    page.set_input_files("#own", small)

    expect(page.locator("#owned li")).to_have_text("small.dat ready")
    assert page.evaluate("window.depot") == ["small.dat", 300_000]


def test_an_uploader_that_there_is_not_ends_the_upload(page: Page, link: FaultProxy, small: Path) -> None:
    visit(page, link)

    page.set_input_files("#own", small)

    expect(page.locator("#owned li")).to_have_text("small.dat rejected")


def test_a_page_mints_by_a_server_function(page: Page, link: FaultProxy, s3: Moto) -> None:
    visit(page, link)

    minted = page.evaluate(
        """async (size) => {
            const { send } = await import("/static/uploads/external.js");
            const file = new Blob([new Uint8Array(size).map((_, i) => i)]);
            const { ref, upload_id, external } = await liveview.call("mint", { name: "a.dat", size });
            let refusals = 1; // as of a server that is asked for too much at once
            const refused = () => Promise.reject(Object.assign(new Error("later"), { code: "rate_limited" }));
            const sign = (parts) => (refusals-- > 0 ? refused() : liveview.call("sign", { ref, parts }));
            await send(file, external, { sign });
            await liveview.event("confirm", { ref });
            return upload_id;
        }""",
        3 * PART + 5,
    )

    expect(page.locator("#minted li")).to_have_text("a.dat ready")
    stored = s3.read(f"uploads/{minted}/a.dat")
    assert stored == (bytes(range(256)) * (len(stored) // 256 + 1))[: 3 * PART + 5]


# -- S3's event


def deliver(server: Server, message: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """As SNS does."""
    request = urllib.request.Request(
        f"{server.url}/webhooks/s3/", json.dumps(message).encode(), {"Content-Type": "text/plain; charset=UTF-8"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status), json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def test_the_genuine_event_updates_the_page_and_no_other_does(
    page: Page, link: FaultProxy, site: tuple[Server, FaultProxy], s3: Moto, signer: Signer
) -> None:
    server, _ = site
    visit(page, link)
    minted = page.evaluate(
        """async () => {
            const { send } = await import("/static/uploads/external.js");
            const minted = await liveview.call("mint", { name: "event.txt", size: 5 });
            await send(new Blob(["hello"]), minted.external);
            return minted;
        }"""
    )
    waiting = page.locator("#minted li")
    expect(waiting).to_have_text("event.txt registered")
    key = f"uploads/{minted['upload_id']}/event.txt"
    genuine = signer.notification(event(record(s3.bucket, key, 5)))
    others = signer.notification(event(record(s3.bucket, f"uploads/{minted['upload_id']}/other.txt", 5)))

    forged = deliver(server, {**genuine, "Message": others["Message"]})
    stranger = deliver(server, Signer().notification(event(record(s3.bucket, key, 5))))
    another = deliver(server, others)
    expect(waiting).to_have_text("event.txt registered")
    first, again = deliver(server, genuine), deliver(server, genuine)

    assert (forged[0], stranger[0]) == (403, 403)
    assert another == (200, {"ok": True, "completed": 0})
    assert first == (200, {"ok": True, "completed": 1})
    assert again == (200, {"ok": True, "completed": 0})
    expect(waiting).to_have_text("event.txt ready")
