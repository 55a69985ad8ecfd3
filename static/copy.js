// A button on each block of code that copies it.

for (const code of document.querySelectorAll("pre.code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${code.getAttribute("aria-label") ?? "the code"}`);
  button.addEventListener("click", () => copy(button, code));
  code.after(button);
}

async function copy(button, code) {
  button.textContent = await navigator.clipboard.writeText(code.textContent).then(
    () => "Copied",
    () => select(code),
  );
  setTimeout(() => (button.textContent = "Copy"), 2_000);
}

/** Where a page may not write to the clipboard, the visitor can. */
function select(code) {
  getSelection().selectAllChildren(code);
  return "Press Ctrl+C";
}
