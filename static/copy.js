// A button on each block of code that copies it.

// As liveview/gettext.js, which would be two more requests of pages that are just text.
const catalogue = JSON.parse(document.getElementById("live-catalogue")?.textContent ?? "{}");
const gettext = (text) => catalogue[text] ?? text;

for (const code of document.querySelectorAll("pre.code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = gettext("Copy");
  button.setAttribute("aria-label", gettext("Copy %(code)s").replace("%(code)s", () => code.getAttribute("aria-label") ?? gettext("the code")));
  button.addEventListener("click", () => copy(button, code));
  code.after(button);
}

async function copy(button, code) {
  button.textContent = await navigator.clipboard.writeText(code.textContent).then(
    () => gettext("Copied"),
    () => select(code),
  );
  setTimeout(() => (button.textContent = gettext("Copy")), 2_000);
}

/** Where a page may not write to the clipboard, the visitor can. */
function select(code) {
  getSelection().selectAllChildren(code);
  return gettext("Press Ctrl+C");
}
