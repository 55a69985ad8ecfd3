// <template shadowrootmode> in what a render brings: by itself, only the parser of a whole page makes shadow roots of
// them. Loaded with the first.

import { document, dom } from "./dom.js";
import { once } from "./once.js";

/** Element → its shadow root, and the HTML that is in it. @type {WeakMap<Element, { shadow: ShadowRoot, html: string }>} */
const known = once("shadow roots", () => new WeakMap());

/** @param {ParentNode} root */
export function attach(root) {
  for (const template of root.querySelectorAll("template[shadowrootmode]")) {
    const host = dom(template).parentNode;
    if (host instanceof Element) update(host, /** @type {HTMLTemplateElement} */ (template));
  }
}

/** @param {Element} host @param {HTMLTemplateElement} template */
function update(host, template) {
  const html = template.innerHTML;
  const last = known.get(host);
  const existing = last?.shadow ?? dom(host).shadowRoot; // the page's, or what a custom element has made
  const isOwn = customElements.get(dom(host).localName);
  if (last?.html === html || (existing && (!last || isOwn))) {
    if (existing && !last) known.set(host, { shadow: existing, html });
    return;
  }
  const shadow = existing ?? made(host, template);
  if (!shadow) return;
  known.set(host, { shadow, html });
  const content = document.importNode(template.content, true);
  for (const script of content.querySelectorAll("script")) script.setAttribute("type", "-"); // none runs
  shadow.replaceChildren(content);
  attach(shadow);
}

/** @param {Element} host @param {HTMLTemplateElement} template */
function made(host, template) {
  try {
    return dom(host).attachShadow({
      mode: template.getAttribute("shadowrootmode") === "closed" ? "closed" : "open",
      delegatesFocus: template.hasAttribute("shadowrootdelegatesfocus"),
    });
  } catch {
    return null; // not every element can have one
  }
}
