// What becomes of the files of a slot that are under way together: those that were chosen while others still were.

const HALF_LIFE = 3_000; // ms over which the speed is smoothed
const SAMPLE = 250; // ms between two measurements of it
const STALLS = 2_000; // ms without progress after which it says nothing any more

export class Batch {
  constructor() {
    this.members = new Set(); // also those that are complete and have gone
    this.open = []; // under way
    this.failed = []; // and still on the page
    this.rate = this.work = this.total = this.movedAt = this.endedAt = 0;
    this.measured = this.measuredAt = 0; // the work at the last measurement of the speed
  }

  /** @param own the uploads of the slot that are on the page @param now in ms */
  update(own, now) {
    if (this.isOver && own.some((upload) => !this.members.has(upload))) Object.assign(this, new Batch());
    for (const upload of own) this.members.add(upload);
    const here = new Set(own);
    for (const upload of this.members) {
      if (!here.has(upload) && !upload.isChosen) this.members.delete(upload); // removed by the visitor
    }
    this.failed = own.filter(({ hasFailed }) => hasFailed);
    this.open = own.filter(({ isOver }) => !isOver);
    this.endedAt = this.isOver ? this.endedAt || now : 0;
    this.measure([...this.members].filter(({ isChosen }) => isChosen), new Set(this.open), now);
  }

  /** Work is bytes: each counts when it is written, and again when its file has been checked. */
  measure(chosen, open, now) {
    const sum = (ofOne) => chosen.reduce((total, upload) => total + ofOne(upload), 0);
    this.total = sum(({ file }) => 2 * file.size);
    this.work = sum((upload) => (open.has(upload) ? upload.written : 2 * upload.file.size));
    const elapsed = now - this.measuredAt;
    if (this.measuredAt && elapsed < SAMPLE) return;
    if (this.measuredAt && this.work >= this.measured) {
      const fresh = (this.work - this.measured) / elapsed;
      this.rate = this.rate ? this.rate + (fresh - this.rate) * (1 - 0.5 ** (elapsed / HALF_LIFE)) : fresh;
    }
    if (this.work > this.measured) this.movedAt = now;
    Object.assign(this, { measured: this.work, measuredAt: now });
  }

  get count() {
    return this.members.size;
  }

  get done() {
    return this.members.size - this.open.length - this.failed.length;
  }

  get isOver() {
    return !this.open.length;
  }

  get isPaused() {
    return !this.isOver && this.open.every(({ status }) => status === "paused");
  }

  /** 0 to 1. */
  get progress() {
    return this.total ? this.work / this.total : 0;
  }

  /** Seconds that are left; 0 if that can't be told, as nothing moves. @param now in ms */
  left(now) {
    return this.rate > 0 && now - this.movedAt < STALLS ? (this.total - this.work) / this.rate / 1000 : 0;
  }
}
