"""Random documents, and a check of what morph.js makes of them."""

from __future__ import annotations

# A mulberry32 generator and documents made with it. An id sometimes changes its tag; text never meets text.
GENERATOR = """
// As a widget does: it fills itself whenever it is empty.
customElements.define("my-tag", class extends HTMLElement {
  static observedAttributes = ["class", "title"];
  connectedCallback() { if (!this.firstChild) this.innerHTML = "<i>drawn</i>"; }
  attributeChangedCallback() { if (this.isConnected) this.connectedCallback(); }
});
window.chance = (seed) => {
  const random = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n) => Math.floor(random() * n);
  return { random, below, pick: (list) => list[below(list.length)] };
};
// What extensions do to a page: they put nodes of their own among the server's, and around them.
window.disturb = (root, seed) => {
  const { random, below, pick } = chance(seed);
  const own = ["div", "p", "ul", "li", "span", "b", "form", "input", "textarea", "font", "my-tag", "tr", "option"];
  const make = () => document.createElement(pick(own));
  for (let n = below(6); n--; ) {
    const nodes = [...root.querySelectorAll("*:not(template, textarea)")];
    const node = nodes.length ? pick(nodes) : root;
    const kind = below(4);
    const { before, prepend, append } = Element.prototype;
    if (kind === 0) before.call(node, node === root ? "" : make());
    else if (kind === 1) prepend.call(node, make());
    else if (kind === 2) append.call(node, random() < 0.5 ? make() : "foreign");
    else if (node !== root) {
      const around = document.createElement(pick(["div", "span", "font"]));
      Element.prototype.replaceWith.call(node, around);
      around.append(node);
    }
  }
};
window.documents = (seed) => {
  const { random, below, pick } = chance(seed);
  const SVG = "http://www.w3.org/2000/svg";
  const words = ["", "a", "b", " a b", "constructor", "__proto__", "1 < 2", "é\\n"];
  const names = ["class", "title", "data-__proto__", "data-constructor", "hidden", "lang", "@click", "style"];
  const clobbering = ["attributes", "childNodes", "parentNode", "id", "matches", "getAttribute", "isConnected", "type",
    "nextSibling", "firstChild", "querySelectorAll", "contains", "className", "focus", "value", "liveOwned"];
  const tags = ["div", "div", "p", "ul", "span", "b", "form", "table", "svg", "select", "input", "input", "textarea",
                "details", "template", "script", "noscript", "button", "my-tag"];
  const inside = { ul: ["li"], table: ["tbody"], tbody: ["tr"], tr: ["td", "td", "th"], select: ["option", "option",
    "optgroup"], optgroup: ["option"], svg: ["g", "a", "circle"], g: ["g", "a", "circle"], details: ["summary", "div"],
    p: ["b", "span", "input", "button"], span: ["b", "span", "input", "svg"], b: ["span"], button: ["b", "span"],
    form: ["div", "p", "input", "input", "select"], summary: ["b"], a: ["circle"] };
  const leaves = ["input", "textarea", "script", "noscript", "option", "circle"];
  const allIds = ["constructor", "__proto__", "id", "i3", "i4", "i5", "i6", "i7", "i8", "i9", "i10", "i11"];
  const ids = () => new Set(allIds);
  const attributes = (el, free) => {
    if (random() < 0.35 && free.size) {
      const id = pick([...free]);
      free.delete(id);
      el.id = id;
    }
    for (let n = below(3); n--; ) {
      const holder = document.createElement("template");
      holder.innerHTML = `<i ${pick(names)}></i>`;
      const attr = holder.content.firstChild.attributes[0].cloneNode();
      attr.value = pick(words);
      el.setAttributeNode(attr);
    }
    const maybe = (name, values) => random() < 0.5 && el.setAttribute(name, pick(values));
    if (el.localName === "input") {
      maybe("type", ["text", "checkbox", "radio", "hidden", "file", "email", "submit"]);
      maybe("name", clobbering);
      maybe("value", words);
      maybe("checked", [""]);
    }
    if (el.localName === "option") maybe("value", words), maybe("selected", [""]);
    if (el.localName === "select") maybe("multiple", [""]);
    if (el.localName === "details") maybe("open", [""]);
    if (el.localName === "circle") {
      if (random() < 0.5) el.setAttributeNS("http://www.w3.org/1999/xlink", "xlink:href", pick(words));
    }
  };
  const fill = (parent, tag, depth, free) => {
    if (leaves.includes(tag)) {
      if (!["input", "circle"].includes(tag)) parent.textContent = pick(["a", "b", "", "window.ran = true"]);
      return;
    }
    const target = parent.content ?? parent;
    const noText = ["ul", "table", "tbody", "tr", "select", "optgroup"].includes(tag);
    for (let n = below(depth > 4 ? 2 : 5); n--; ) {
      const kind = random();
      if (kind < 0.2 && !noText && target.lastChild?.nodeType !== 3) target.append(pick(["a", "b", " ", "1 < 2"]));
      else if (kind < 0.25) target.append(document.createComment(pick(["a", "b"])));
      else {
        let child = pick(inside[tag] ?? tags);
        const isElement = target instanceof Element;
        if (child === "form" && isElement && Element.prototype.closest.call(target, "form")) child = "div";
        const svg = child === "svg" || ["svg", "g", "a"].includes(tag);
        const el = svg ? document.createElementNS(SVG, child) : document.createElement(child);
        target.append(el);
        attributes(el, child === "template" ? new Set() : free);
        fill(el, child, depth + 1, tag === "template" ? new Set() : free);
      }
    }
  };
  // An edit keeps most of the document: elements go, move (also to other parents), appear and change.
  const edit = (root) => {
    const free = ids();
    for (const el of root.querySelectorAll("[id]")) free.delete(el.id);
    for (let n = 1 + below(4); n--; ) {
      const all = [...root.querySelectorAll("div, p, li, span, b, input, tr, option, g, button, circle")];
      const el = all.length && pick(all);
      const kind = below(5);
      if (!el) continue;
      if (kind === 0) el.remove();
      else if (kind === 1) attributes(el, new Set());
      else if (kind === 2) fill(el, el.localName, 4, free);
      else {
        const places = [...root.querySelectorAll(kind === 3 ? el.parentNode.localName : "div")];
        const place = places.length && pick(places);
        const fits = place && !el.contains(place) && (kind === 3 || ["div", "p", "span", "b"].includes(el.localName));
        if (fits && !place.closest("p, span, b, button, svg")) place.insertBefore(el, pick([...place.children, null]));
      }
    }
  };
  const randomRoot = () => {
    const root = document.createElement("div");
    fill(root, "div", 0, ids());
    return root;
  };
  const root = randomRoot();
  return [root.innerHTML, ...Array.from({ length: 3 }, () => {
    if (random() < 0.3) return randomRoot().innerHTML;
    edit(root);
    return root.innerHTML;
  })];
};
window.unique = (root) => {
  const seen = new Map();
  for (const el of root.querySelectorAll("[id]")) {
    const id = Element.prototype.getAttribute.call(el, "id");
    seen.set(id, seen.has(id) ? null : el);
  }
  return seen;
};
window.fresh = (html) => {
  const root = $("#root").cloneNode();
  $("#root").replaceWith(root);
  root.innerHTML = html;
  remember(root);
  return root;
};
// With and without foreign nodes, what was typed is in the same places, and the focus stays.
window.checkTyped = (seed) => {
  const [first, ...rest] = documents(seed);
  const run = (isDisturbed) => {
    const root = fresh(first);
    return rest.map((html, n) => {
      const fields = [...root.querySelectorAll("textarea, input:not([type]), input[type=text], input[type=email]")];
      fields.forEach((el, i) => (el.value = `typed${n}-${i}`));
      if (isDisturbed) disturb(root, seed + n);
      const field = fields.at(seed % 3);
      field?.focus();
      const isFocused = () => field && document.activeElement === field;
      const wasFocused = isFocused();
      morph(root, html);
      if (wasFocused && root.contains(field) && field.checkVisibility() && !isFocused()) throw Error("focus lost");
      return [...root.querySelectorAll("textarea, input")].map((el) => el.value);
    });
  };
  const [calm, disturbed] = [run(false), run(true)].map((found) => JSON.stringify(found));
  return calm === disturbed ? "" : `typed: ${disturbed} is not ${calm}`;
};
window.check = (seed) => {
  const [first, ...rest] = documents(seed);
  const root = fresh(first);
  const touched = new Set(); // what was focused once keeps its value
  for (const [n, html] of rest.entries()) {
    disturb(root, seed + n);
    const before = unique(root);
    const focusable = [...root.querySelectorAll("input, button, textarea")].at(seed % 3);
    focusable?.focus();
    touched.add(focusable);
    const focused = document.activeElement === focusable ? focusable : null;
    morph(root, html);
    if (!exact(root, html)) return `not exact: ${root.innerHTML} is not ${parsed(root, html).innerHTML}`;
    const after = unique(root);
    for (const [id, el] of after) {
      const old = before.get(id);
      const alike = el && old && el.localName === old.localName && el.namespaceURI === old.namespaceURI;
      if (alike && el.localName !== "script" && el !== old) return `another node for ${id}`;
    }
    const kept = focused && root.contains(focused) && focused.checkVisibility();
    if (kept && document.activeElement !== focused) return `focus lost from ${focused.outerHTML}`;
    const fresh = parsed(root, html).querySelectorAll("input, textarea");
    root.querySelectorAll("input, textarea").forEach((el, i) => {
      if (!touched.has(el) && el.value !== fresh[i].value) throw Error(`${el.value} is not ${fresh[i].value}`);
    });
  }
  return window.ran ? "a script ran" : "";
};
"""
