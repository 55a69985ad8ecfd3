"""A page of somebody else's looks the same with our stylesheets as without them, and our demos look like ours in it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page

pytestmark = pytest.mark.base(None)

ROOT = Path(__file__).resolve().parents[1]
SHEETS = sorted(ROOT.glob("apps/*/static/**/*.css"))
PICTURE = base64.b64encode(
    b'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><rect width="90" height="60" fill="teal"/></svg>'
).decode()

# What Bootstrap 5 does to the names that it and we might both have, and its reboot.
BOOTSTRAP = """
:root { --accent: 210 40% 96%; --bs-body-bg: #fff; --bs-body-color: #212529; --bs-border: #dee2e6; }
[data-bs-theme=dark] { color-scheme: dark; --bs-body-bg: #212529; --bs-body-color: #dee2e6; --bs-border: #495057; }
*, *::before, *::after { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--bs-body-color); background: var(--bs-body-bg); }
p { margin: 0 0 1rem; }
img { vertical-align: middle; }
.container { max-width: 960px; margin: 0 auto; padding: 0 12px; }
.row { display: flex; flex-wrap: wrap; gap: 12px; }
.card { display: flex; flex-direction: column; width: 18rem; border: 1px solid var(--bs-border); border-radius: 6px; }
.card-body { padding: 16px; }
.btn, .button { display: inline-block; padding: 6px 12px; border: 1px solid blue; border-radius: 6px; color: blue; }
.btn-primary { color: #fff; background: blue; }
.form-control { display: block; width: 100%; padding: 6px; border: 1px solid var(--bs-border); border-radius: 6px; }
.form-control::file-selector-button { margin: -6px 12px -6px -12px; padding: 6px 12px; border: 0; background: #e9ecef; }
.alert { padding: 16px; border: 1px solid #f1aeb5; border-radius: 6px; background: #f8d7da; color: #58151c; }
.badge { padding: 0.35em 0.65em; border-radius: 6px; background: #6c757d; color: #fff; }
.table { width: 100%; border-collapse: collapse; }
.table > * > * > * { padding: 8px; border-bottom: 1px solid var(--bs-border); }
.progress { height: 16px; background: #e9ecef; }
.visually-hidden { color: #6c757d; font-style: italic; }
.fade { animation: pulse 1s paused; }
.spinner { display: inline-block; width: 20px; height: 20px; background: #ddd; animation: turn 1s paused -0.5s; }
@keyframes pulse { from { opacity: 0.5; } }
@keyframes turn { to { transform: translateX(20px); } }
.shadowed { box-shadow: var(--shadow, 3px 3px 0 gold); border-radius: var(--radius, 3px); color: var(--muted, tan); }
"""

PAGE = f"""<!doctype html>
<html lang="en" class="no-js" data-bs-theme="light">
<head><meta charset="utf-8"><title>Theirs</title><style>{BOOTSTRAP}</style></head>
<body>
<main class="container">
  <h1>Theirs</h1> <h2 class="upload">Upload</h2>
  <div class="alert alert-danger err" role="alert">Alert</div> <p class="err"></p> <p class="flash success">Flash</p>
  <p class="no-js">No JavaScript</p> <p class="no-live">No live</p> <p class="needs-js needs-live">Both</p>
  <p hidden>Hidden</p> <p hidden style="display: block">Hidden, and shown by a style of the page's own</p>
  <div class="row">
    <div class="card shadowed"><img class="photo" src="data:image/svg+xml;base64,{PICTURE}" alt="">
      <div class="card-body"><p class="hint">Card</p><a class="btn btn-primary" href="#">Go</a></div></div>
    <div class="card video"><div class="card-body preview"><img class="preview avatar" alt=""
      src="data:image/svg+xml;base64,{PICTURE}"></div></div>
    <div class="gallery drop-zone"><div class="preview"></div><p>Drop</p></div>
  </div>
  <form>
    <label>Name <input class="form-control" value="Ann"></label>
    <input type="file" class="form-control" aria-label="One"><input type="file" aria-label="Two">
    <label class="file-button">File <input type="file"></label> <select><option>One</option></select>
    <input type="checkbox" checked aria-label="Yes"> <textarea rows="2">Text</textarea>
    <p class="actions"><button class="button secondary">Button</button> <button class="btn" disabled>Off</button></p>
    <progress value="30" max="100"></progress>
  </form>
  <dialog open class="crop lightbox"><p class="undo">Dialog</p></dialog>
  <table class="table received"><thead><tr><th>Name</th></tr></thead><tbody>
    <tr><td class="sha256">Row</td></tr></tbody></table>
  <nav class="pages"><ul class="photo-grid errorlist"><li>One</li><li class="photo">Two</li></ul></nav>
  <p class="empty">Empty</p> <span class="badge fade">Badge</span> <span class="visually-hidden">Not hidden here</span>
  <i class="spinner"></i> <details open class="chaos card"><summary>More</summary><p>Text</p></details>
  <div class="pause retry ways way-status file-choice video-row" data-status="error" data-state="failed">Row</div>
  <pre class="code"><code>code</code></pre>
</main>
</body>
</html>"""

STYLES = """() => [document.documentElement, ...document.querySelectorAll("body, body *")].flatMap((element) =>
  ["", "::before", "::after", "::marker", "::file-selector-button"].map((part) => {
    const style = getComputedStyle(element, part || null);
    const names = Array.from(style).filter((name) => !name.startsWith("--live-")).sort();
    const values = names.map((name) => `${name}: ${style.getPropertyValue(name)}`);
    return [`${element.tagName}.${element.className}${part}`, values.join("; ")];
  }))"""


def look(page: Page) -> tuple[list[list[str]], bytes]:
    return page.evaluate(STYLES), page.screenshot(full_page=True)


def settled(page: Page) -> tuple[list[list[str]], bytes]:
    """A browser may find the font of a textarea only when it draws it, and lay it out again."""
    was, now = look(page), look(page)
    while was != now:
        was, now = now, look(page)
    return now


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_of_others_is_the_same_with_each_of_our_stylesheets(
    page: Page, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_content(PAGE.replace('theme="light"', f'theme="{scheme}"'))
    for state in ("no-js", "no-js live-failed live-absent live-lacking"):  # as without our client, and as floor.js says
        page.evaluate("(state) => { document.documentElement.className = state; }", state)
        alone = settled(page)
        for sheet in SHEETS:
            style = page.add_style_tag(path=sheet)
            styles, picture = look(page)
            style.evaluate("(style) => style.remove()")

            assert [now[0] for was, now in zip(alone[0], styles, strict=True) if was != now] == [], sheet.name
            assert picture == alone[1], sheet.name
