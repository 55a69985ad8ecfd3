"""A client of numbered chunks that nobody here wrote: resumable.js, in a page of the site."""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page

from e2e.support.server import Server

CLIENT = "resumablejs@1.1.0"
PATIENCE = 180  # seconds
SIZE = 2_345_678  # bytes: the last of its chunks is almost twice as large as the others
SEND = """(chunkSize) => new Promise((resolve, reject) => {
  const client = new Resumable({
    target: "/api/upload-chunk",
    method: "octet",
    testChunks: false,
    chunkSize,
    simultaneousUploads: 3,
    generateUniqueIdentifier: () => crypto.randomUUID(),
    headers: (file, chunk) => ({
      "X-Upload-Id": file.uniqueIdentifier,
      "X-Chunk-Index": chunk.offset,
      "X-Chunk-Count": file.chunks.length,
      "X-File-Name": encodeURIComponent(file.fileName),
      "X-File-Size": file.size,
    }),
  });
  client.on("fileAdded", () => client.upload());
  client.on("fileSuccess", (file, message) => resolve([JSON.parse(message), file.chunks.length]));
  client.on("fileError", (file, message) => reject(new Error(message)));
  client.addFile(document.querySelector("#theirs").files[0]);
})"""


@pytest.fixture(scope="module")
def resumable_js(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Its source."""
    if not shutil.which("npm"):
        pytest.skip("npm isn't installed: resumable.js can't be had")
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true}')
    install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--fetch-retries=1", CLIENT]
    try:
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        pytest.skip("npm's registry didn't answer in time: resumable.js can't be installed")
    if done.returncode:
        pytest.skip(f"npm couldn't install resumable.js: {done.stderr[-300:]}")
    return (folder / "node_modules/resumablejs/resumable.js").read_text()


def test_resumable_js_sends_a_file(page: Page, server: Server, resumable_js: str, tmp_path: Path) -> None:
    file = tmp_path / "Größe & so.dat"
    file.write_bytes(random.Random(7).randbytes(SIZE))
    page.goto(f"{server.url}/other-ways/")
    page.evaluate(f"() => {{ {resumable_js}\n; window.Resumable = Resumable; }}")
    page.evaluate(
        "() => document.body.append(Object.assign(document.createElement('input'), {type: 'file', id: 'theirs'}))"
    )
    page.locator("#theirs").set_input_files(file)

    answer, chunks = page.evaluate(SEND, 800_000)

    assert chunks == 2
    assert (answer["success"], answer["fileName"], answer["fileSize"]) == (True, file.name, SIZE)
    with closing(server.db()) as db:
        ((stored,),) = db.execute("SELECT file FROM otherways_received WHERE name = ?", [file.name]).fetchall()
    data = (server.data_dir / "media" / stored).read_bytes()
    assert hashlib.sha256(data).digest() == hashlib.sha256(file.read_bytes()).digest()
