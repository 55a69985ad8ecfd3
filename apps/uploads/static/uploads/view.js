// The directives: previews, progress and errors, drawn into elements whose content is ours.

const KINDS = /^(image|video)\//;

/** What of an element is drawn here, for the morph to leave alone. */
export function keep(element) {
  if (element.matches("[dj-upload-preview], [dj-upload-resume]")) return "children";
  return element.hasAttribute("dj-upload-progress") && element.tagName !== "PROGRESS" ? "children" : "";
}

export class View {
  constructor(root) {
    this.root = root;
    this.urls = new Map(); // upload → object URL
    this.drawn = new WeakMap(); // row → the revision that it shows
  }

  draw(uploads, slots) {
    for (const [name, slot] of slots) {
      const own = uploads.filter((upload) => upload.slot === name && upload.status !== "cancelled");
      this.inputs(name, slot);
      for (const element of this.all("dj-upload-preview", name)) this.previews(element, own);
      for (const element of this.all("dj-upload-progress", name)) this.progress(element, own);
      this.errors(name, own);
    }
    this.revoke(uploads);
  }

  all(directive, name) {
    return this.root.querySelectorAll(`[${directive}="${name}"]`);
  }

  inputs(name, slot) {
    for (const input of this.all("dj-upload", name)) {
      if (slot.accept && input.accept !== slot.accept) input.accept = slot.accept;
      if (input.multiple !== slot.max_entries > 1) input.multiple = slot.max_entries > 1;
    }
  }

  previews(element, uploads) {
    const shown = uploads.filter((upload) => KINDS.test(upload.file.type) && upload.status !== "error");
    sync(element, shown, (upload) => this.preview(upload));
  }

  preview(upload) {
    const media = document.createElement(upload.file.type.startsWith("video/") ? "video" : "img");
    media.src = this.url(upload);
    media.onerror = () => media.remove();
    if (media.tagName === "IMG") Object.assign(media, { alt: upload.file.name, loading: "lazy", decoding: "async" });
    return media;
  }

  progress(element, uploads) {
    if (element.tagName === "PROGRESS") {
      const total = uploads.reduce((sum, upload) => sum + upload.file.size, 0);
      const written = uploads.reduce((sum, upload) => sum + upload.written, 0);
      element.value = total ? Math.floor((100 * written) / total) : 0;
      return;
    }
    const template = element.querySelector(":scope > template");
    const rows = sync(element, uploads, () => make(template?.innerHTML.trim() ?? ROW), template);
    uploads.forEach((upload, i) => this.fill(rows[i], upload));
  }

  /** A row's parts are marked data-upload="name", "size", "progress", "rate", "eta", "status", "error" or "preview". */
  fill(row, upload) {
    if (this.drawn.get(row) === upload.revision) return;
    if (!this.drawn.has(row)) this.prepare(row, upload);
    this.drawn.set(row, upload.revision);
    row.dataset.status = upload.status;
    for (const part of row.querySelectorAll("[data-upload]")) write(part, upload, words(upload));
  }

  prepare(row, upload) {
    for (const part of row.querySelectorAll("[data-ref]")) part.dataset.ref = upload.ref;
    for (const name of ["cancel", "pause", "retry"]) {
      for (const part of row.querySelectorAll(`[dj-upload-${name}]`)) part.setAttribute(`dj-upload-${name}`, upload.ref);
    }
    const place = row.querySelector('[data-upload="preview"]');
    if (place && KINDS.test(upload.file.type)) place.append(this.preview(upload));
  }

  /** Shown below the drop zone or input where the page has no place of its own for them. */
  errors(name, uploads) {
    const failed = uploads.filter((upload) => upload.status === "error");
    let list = this.root.querySelector(`.upload-errors[data-slot="${name}"]`);
    if (this.all("dj-upload-errors", name).length || (!list && !failed.length)) return list?.remove();
    if (!list) {
      const beside = this.all("dj-upload-drop", name)[0] ?? this.all("dj-upload", name)[0];
      if (!beside) return;
      list = make('<div class="upload-errors" role="alert"></div>');
      list.dataset.slot = name;
      list.liveOwned = true;
      beside.after(list);
    }
    sync(list, failed, (upload) => {
      const line = make(FAILURE);
      line.firstChild.textContent = upload.file.name;
      line.lastChild.textContent = upload.error;
      return line;
    });
  }

  url(upload) {
    if (!this.urls.has(upload)) this.urls.set(upload, URL.createObjectURL(upload.file));
    return this.urls.get(upload);
  }

  revoke(uploads) {
    for (const [upload, url] of this.urls) {
      if (uploads.includes(upload) && upload.status !== "error") continue;
      URL.revokeObjectURL(url);
      this.urls.delete(upload);
    }
  }
}

/** Makes an element's children `first` and one for each upload, in order; those that are there stay. Returns these. */
export function sync(element, uploads, make, first = null) {
  const have = new Map(Array.from(element.children, (child) => [child.dataset.ref, child]));
  const rows = uploads.map((upload) => {
    const child = have.get(upload.ref) ?? make(upload);
    child.dataset.ref = upload.ref;
    return child;
  });
  const want = first ? [first, ...rows] : rows;
  if (want.length !== element.childNodes.length || want.some((child, i) => element.childNodes[i] !== child)) {
    element.replaceChildren(...want);
  }
  return rows;
}

/** An element of our own HTML. */
export function make(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}

const ROW = `<div class="upload-progress"><bdi class="upload-name" data-upload="name"></bdi>
<div class="upload-progress-bar" role="progressbar" data-upload="bar"><div class="upload-progress-fill"></div></div>
<span class="upload-detail" data-upload="status"></span></div>`;
const FAILURE = '<p><bdi class="upload-name"></bdi>: <span></span></p>';

function write(part, upload, texts) {
  const kind = part.dataset.upload;
  if (kind === "bar") {
    part.setAttribute("aria-label", upload.file.name);
    part.setAttribute("aria-valuenow", upload.progress);
    part.firstElementChild.style.width = `${upload.progress}%`;
  } else if (part.tagName === "PROGRESS") part.value = upload.progress;
  else if (kind in texts && part.textContent !== texts[kind]) part.textContent = texts[kind];
}

function words({ file, status, error, progress, rate, detail }) {
  const isMoving = status === "uploading" && progress < 100 && rate > 0;
  return {
    name: file.name,
    size: bytes(file.size),
    progress: `${progress}%`,
    rate: isMoving ? `${bytes(rate)}/s` : "",
    eta: isMoving ? `${duration(detail.eta)} left` : "",
    status: error || (status !== "uploading" ? status : progress < 100 ? `${progress}%` : "checking…"),
    error,
  };
}

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB"];
  const step = Math.min(3, Math.floor(Math.log10(Math.max(1, count)) / 3));
  return `${(count / 1000 ** step).toFixed(step > 1 ? 1 : 0)} ${units[step]}`;
}

function duration(seconds) {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
