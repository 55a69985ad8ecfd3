// Makes an element's children equal to some HTML, changing as little as possible: client.d.ts tells the rules.

import { document, dom } from "./dom.js";
import { once } from "./once.js";

// As `dom` does, but faster, and past a custom element's class, too.
const get = (node, name) => Reflect.get(Element.prototype, name, node);
const call = (node, name, ...args) => Reflect.get(Element.prototype, name).apply(node, args);

/** The document of templates: nothing in it runs or loads. */
const inert = document.createElement("template").content.ownerDocument;
const twins = once("twins", () => new WeakMap());
const warned = once("duplicate ids", () => new Set());

function morph(root, html, options) {
  const next = inert.importNode(root, false);
  next.innerHTML = html;
  pass(root, next, options, (one) => one.children(root, next));
  twins.set(root, next);
}

function update(element, html, options) {
  const next = parsed(html);
  if (kind(element) === kind(next)) return pass(element, next, options, (one) => one.element(element, next));
  const fresh = document.importNode(next, true);
  remember(fresh);
  call(element, "replaceWith", fresh);
}

function pass(root, next, { keep = () => "" } = {}, change) {
  remember(root);
  // Where scripts run, <noscript> contains text.
  for (const el of call(next, "querySelectorAll", "noscript")) el.textContent = el.innerHTML;
  const focus = hold(root);
  new Pass(root, next, focus, keep).run(change);
  focus.restore();
}

function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

function remember(root) {
  if (!twins.has(root)) pair(root, inert.importNode(root, true));
}

function pair(live, next) {
  twins.set(live, next);
  if (!(next instanceof Element)) return;
  const news = kids(next);
  kids(live).forEach((node, i) => pair(node, news[i]));
}

const inside = (el) => (el instanceof HTMLTemplateElement ? el.content : el);
const kids = (el) => [...get(inside(el), "childNodes")];
const owned = (node) => node.liveOwned === true;
const attribute = (el, name) => el && call(el, "getAttribute", name);
const isIgnored = (el) => attribute(el, "dj-ignore") !== null;
const isText = (el) =>
  el instanceof HTMLTextAreaElement ||
  (el instanceof HTMLInputElement && !/^(button|checkbox|file|hidden|image|radio|reset|submit)$/.test(el.type));

/** A script matches only its equal, so that no change can start it. */
function kind(el) {
  const name = get(el, "localName");
  return get(el, "namespaceURI") + (name === "script" ? get(el, "outerHTML") : name);
}

function signature(node) {
  if (!(node instanceof Element)) return node.nodeName;
  const words = [kind(node), attribute(node, "id"), isIgnored(node)];
  if (node instanceof HTMLInputElement) {
    words.push(node.type, node.name, /^(checkbox|radio)$/.test(node.type) && node.value);
  } else if (node instanceof HTMLOptionElement) words.push(node.value);
  return words.join("\n");
}

/** One morph, from the top down: an element is in its place before its children are. */
class Pass {
  /** Nodes without a place. Removed last: a later parent may claim one, or what's in it. */
  leftover = new Set();
  keyed = new Map();
  /** SVG scripts, and the types they should have. */
  asleep = new Map();

  constructor(root, next, focus, keep) {
    this.focus = focus;
    this.keep = keep;
    // isEqualNode doesn't look into templates.
    this.skips = !call(next, "querySelector", "template");
    this.key(root, next);
  }

  run(change) {
    change(this);
    for (const [node, type] of this.asleep) type ? node.setAttributeNode(type) : node.removeAttribute("type");
    for (const node of this.leftover) {
      const parent = get(node, "parentNode");
      if (parent) call(parent, "removeChild", node);
    }
  }

  key(live, next) {
    const byId = (nodes, twin) => group(nodes, (node) => attribute(twin(node), "id"));
    const olds = byId(call(live, "querySelectorAll", "[id]:not(:scope [dj-ignore] *)"), (el) => twins.get(el));
    for (const [id, [el, ...more]] of byId(call(next, "querySelectorAll", "[id]"), (el) => el)) {
      const old = olds.get(id)?.[0];
      if (more.length) {
        if (!warned.has(id)) console.warn(`liveview: duplicate id "${id}"`);
        warned.add(id);
      } else if (id && old && !owned(old) && kind(old) === kind(el)) this.keyed.set(el, old);
    }
  }

  children(live, next, olds = nodesOf(live)) {
    const news = kids(next);
    const found = this.match(olds.filter((node) => twins.has(node)), news);
    this.place(inside(live), olds, news, found).forEach((node, i) => this.node(node, news[i], !found[i]));
  }

  match(olds, news) {
    const found = news.map(() => undefined);
    let end = olds.length;
    let last = news.length;
    // Below an insertion siblings are equal from the end; above it they are the first of their signature anyway.
    while (end && last && this.same(olds[end - 1], news[last - 1])) found[--last] = olds[--end];
    const pool = group(olds.slice(0, end).reverse(), (node) => signature(twins.get(node)));
    for (let i = 0; i < last; i++) found[i] = this.keyed.get(news[i]) ?? pool.get(signature(news[i]))?.pop();
    return found;
  }

  same(live, next) {
    const key = this.keyed.get(next);
    return key ? key === live : call(twins.get(live), "isEqualNode", next);
  }

  place(parent, olds, news, found) {
    const places = new Map(olds.map((node, i) => [node, get(node, "parentNode") === parent ? i : -1]));
    const still = longestRun(
      found.map((node) => (node && places.get(node)) ?? -1),
      found.findIndex((node) => this.focus.path.has(node)),
    );
    for (const node of olds) this.leftover.add(node);
    const nodes = [...news];
    for (let i = news.length; i--; ) {
      const node = (nodes[i] = found[i] ?? this.create(news[i]));
      this.leftover.delete(node);
      if (!still.has(i)) move(parent, node, nodes[i + 1] ?? null, !found[i]);
    }
    return nodes;
  }

  /** A copied SVG script, unlike HTML's, forgets that it must not run: an unknown type keeps it from running. */
  create(next) {
    const node = document.importNode(next);
    if (node instanceof SVGScriptElement) {
      this.asleep.set(node, node.getAttributeNode("type")?.cloneNode());
      node.setAttribute("type", "-");
    }
    return node;
  }

  node(live, next, fresh) {
    if (next instanceof Element && !fresh) return this.element(live, next);
    const old = twins.get(live);
    twins.set(live, next);
    // A custom element may have filled itself when it was put in.
    if (next instanceof Element) this.children(live, next, isIgnored(next) ? [] : nodesOf(live));
    else if (!(live instanceof Element)) {
      if (live.nodeValue !== next.nodeValue) live.nodeValue = next.nodeValue;
    } else if (old.nodeValue !== next.nodeValue) {
      const text = document.importNode(next);
      twins.set(text, next);
      call(live, "replaceWith", text); // the translation of another text
    }
  }

  element(live, next) {
    const old = twins.get(live);
    const ignore = isIgnored(live) && attribute(next, "dj-ignore");
    const keep = ignore === "children" ? ignore : typeof ignore === "string" ? "self" : this.keep(live);
    const equal = () => this.skips && [old, live].every((el) => call(el, "isEqualNode", next));
    if (keep === "self" || equal()) {
      // The old twin stands in for the new one, so that only one rendered tree is held in memory.
      call(next, "replaceWith", old);
      return;
    }
    // Not all browsers focus what is pressed.
    const isInUse = live === this.focus.el || call(live, "matches", ":active");
    syncAttributes(live, old, next, isInUse);
    if (isTranslated()) adopt(live, old);
    twins.set(live, next);
    if (keep || this.editing(live, old, next)) return;
    this.children(live, next);
    syncControl(live, old, next, isInUse);
  }

  /** An editable element's children are its value. */
  editing(live, old, next) {
    if (attribute(next, "contenteditable") === null || !dom(live).isContentEditable) return false;
    return live === this.focus.el || get(old, "innerHTML") === get(next, "innerHTML");
  }
}

/** An element's nodes, and those of the server's that a script has put something around. */
function nodesOf(live) {
  const nodes = kids(live).filter((node) => !owned(node));
  const isOurs = (node) => twins.has(node);
  return nodes.flatMap((node) => (isOurs(node) || !(node instanceof Element) ? node : [node, ...nodesOf(node).filter(isOurs)]));
}

const isTranslated = () => /\btranslated-(ltr|rtl)\b/.test(document.documentElement.className);

/** Takes the elements that a translation puts in the place of texts for these. */
function adopt(live, old) {
  const nodes = kids(live);
  const there = new Set(nodes.map((node) => twins.get(node)));
  let next = get(old, "firstChild");
  for (const node of nodes) {
    if (next instanceof Text && !there.has(next) && !twins.has(node) && get(node, "localName") === "font") twins.set(node, next);
    if (twins.has(node)) next = get(twins.get(node), "nextSibling");
  }
}

function group(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!groups.get(key)?.push(item)) groups.set(key, [item]);
  }
  return groups;
}

function move(parent, node, before, fresh) {
  try {
    call(parent, fresh ? "insertBefore" : "moveBefore", node, before);
  } catch {
    // The browser has no moveBefore, or the move is into or out of a template.
    call(parent, "insertBefore", node, before);
  }
}

/** The indices of a longest increasing run of `numbers` (-1: none), through `pin` if that is one. */
function longestRun(numbers, pin) {
  const pinned = numbers[pin] ?? -1;
  const tails = [];
  const before = [...tails];
  numbers.forEach((number, i) => {
    if (number < 0 || (pinned >= 0 && i !== pin && i < pin !== number < pinned)) return;
    let low = 0;
    for (let high = tails.length; low < high; ) {
      const middle = (low + high) >> 1;
      if (numbers[tails[middle]] < number) low = middle + 1;
      else high = middle;
    }
    before[i] = tails[low - 1];
    tails[low] = i;
  });
  const run = new Set();
  for (let i = tails.at(-1); i !== undefined; i = before[i]) run.add(i);
  return run;
}

/** Changing what it accepts would empty it. */
const isHalfTyped = (el) =>
  el instanceof HTMLInputElement && /^(date|datetime-local|month|time|week)$/.test(el.type) && el.validity.badInput;

function syncAttributes(live, old, next, isInUse) {
  const isHeld = isHalfTyped(live) ? (name) => /^(min|max|step)$/.test(name) || (isInUse && name === "value") : () => false;
  for (const attr of [...get(old, "attributes"), ...get(next, "attributes")]) {
    const { namespaceURI, localName } = attr;
    const [was, will] = [old, next].map((el) => call(el, "getAttributeNodeNS", namespaceURI, localName));
    if (attr !== (will ?? was) || was?.value === will?.value) continue;
    if (isHeld(localName)) {
      // The twin says what is still to be set, but for a value: the visitor's is newer.
      if (localName !== "value") was ? call(next, "setAttributeNode", was.cloneNode()) : call(next, "removeAttribute", localName);
      continue;
    }
    if (localName === "class" && mergeClass(live, was?.value, will?.value)) continue;
    if (will) call(live, "setAttributeNode", will.cloneNode());
    else call(live, "removeAttributeNS", namespaceURI, localName);
  }
}

function mergeClass(live, was = "", will = "") {
  if ((attribute(live, "class") ?? "") === was) return false;
  const list = get(live, "classList");
  const [gone, come] = [was, will].map((words) => words.match(/\S+/g) ?? []);
  list.remove(...gone.filter((word) => !come.includes(word)));
  list.add(...come.filter((word) => !gone.includes(word)));
  return list.length > 0;
}

function syncControl(live, old, next, isInUse) {
  if (live instanceof HTMLOptionElement) {
    if (old.defaultSelected !== next.defaultSelected) live.selected = next.defaultSelected;
  } else if (live instanceof HTMLInputElement && old.defaultChecked !== next.defaultChecked) {
    live.checked = next.defaultChecked;
  }
  const isNew = isText(live) && !isInUse && old.defaultValue !== next.defaultValue;
  if (isNew && live.value !== next.value) live.value = next.value;
}

/** What `autofocus` is about: elements that have it and can be seen. */
const wanting = (root) => [...call(root, "querySelectorAll", "[autofocus]")].filter((el) => call(el, "getClientRects").length);

const isTypedIn = (el) => el && (isText(el) || /^(select|iframe)$/.test(get(el, "localName")) || dom(el).isContentEditable);

function hold(root) {
  const active = document.activeElement;
  const el = call(root, "contains", active) ? active : null;
  const path = new Set();
  for (let node = el; node && node !== root; node = get(node, "parentNode")) path.add(node);
  const names = ["value", "selectionStart", "selectionEnd", "selectionDirection", "scrollTop", "scrollLeft"];
  const state = isText(el) ? names.map((name) => [name, el[name]]) : [];
  const chosen = el instanceof HTMLSelectElement ? [...el.selectedOptions] : null;
  const type = el?.type;
  const before = wanting(root);

  const restore = () => {
    giveBack();
    const come = wanting(root).find((element) => !before.includes(element));
    if (come && !isTypedIn(document.activeElement)) dom(come).focus();
  };
  const giveBack = () => {
    if (!el || !get(el, "isConnected")) return;
    const lost = document.activeElement !== el;
    if (lost) dom(el).focus({ preventScroll: true });
    if (el.type === type && (lost || el.value !== state[0]?.[1])) {
      for (const [name, value] of state) if (el[name] !== value) el[name] = value;
    }
    if (chosen && (!chosen.length || chosen.some((option) => el.contains(option)))) {
      // The list may be open: no needless writes.
      for (const option of el.options) if (option.selected !== chosen.includes(option)) option.selected = !option.selected;
    }
  };
  return { el, path, restore };
}

const rendered = (el) => nodesOf(el).filter((node) => twins.has(node) && node instanceof Element);

export { hold, morph, parsed, remember, rendered, update };
