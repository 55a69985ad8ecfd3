// How much to have in flight: enough to fill the link, little enough that a click doesn't wait behind it.
//
// As in BBR: the measured rate times the shortest round trip, plus a small queue. `sent` and `settled` (by the server)
// count bytes since the socket opened.

const QUEUE = 0.025; // seconds of link time to keep queued
const SLICE = 0.025; // seconds of link time in one frame
const FIRST = 64 * 1024;
const SMALLEST = 8 * 1024;
const ROUNDS = 10; // rounds for which the best rate counts
const TRIP_LIFETIME = 10_000; // ms for which the shortest round trip counts
const GROWTH = 1.25; // how much faster a round must be for the start phase to go on

export class SendWindow {
  constructor(limit) {
    this.limit = limit;
    this.sent = 0;
    this.settled = 0;
    this.credit = limit;
    this.flights = []; // frames in flight: { size, end, at, settled, settledAt }
    this.settledAt = 0;
    this.rates = []; // bytes per ms, the best of each round, latest first
    this.roundEnd = 0;
    this.shortest = Infinity; // ms
    this.shortestAt = 0;
    this.isStarting = true;
    this.stale = 0;
    this.target = 0; // until a rate is measured, it follows the first frame
  }

  get inFlight() {
    return this.sent - this.settled;
  }

  get rate() {
    return Math.max(0, ...this.rates);
  }

  /** Bytes that may be sent now, for a frame of at most `most`; 0 means wait. `first`: of a frame while no rate is known. */
  room(most, first = FIRST) {
    const want = Math.min(most, this.frame(first));
    const open = this.credit - this.sent;
    if (open < Math.min(want, SMALLEST)) return 0;
    return this.inFlight && this.inFlight + want > (this.rate ? this.target : 4 * first) ? 0 : Math.min(want, open);
  }

  /** The size of the next frame: a slice of link time, in powers of two. */
  frame(first = FIRST) {
    if (!this.rate) return first;
    return Math.max(SMALLEST, 2 ** Math.floor(Math.log2(this.rate * 1000 * SLICE)));
  }

  spend(size, now) {
    if (!this.inFlight) this.settledAt = now;
    this.sent += size;
    const flight = { size, end: this.sent, at: now, settled: this.settled, settledAt: this.settledAt };
    this.flights.push(flight);
    return flight;
  }

  /** A frame isn't sent after all, and none after it has been sent yet. */
  refund(flight) {
    const at = this.flights.indexOf(flight);
    for (const later of this.flights.slice(at)) later.end -= flight.size;
    this.flights.splice(at, 1);
    this.sent -= flight.size;
    this.roundEnd = Math.min(this.roundEnd, this.sent);
  }

  /** `credit` is the total that may be sent, of which `settled` is done; the difference is the server's choice. */
  settle(credit, now, settled = credit - this.limit) {
    this.credit = credit;
    if (settled <= this.settled) return;
    this.settled = settled;
    let last = null;
    while (this.flights.length && this.flights[0].end <= settled) last = this.flights.shift();
    if (last) this.measure(last, now);
    this.settledAt = now;
  }

  measure(flight, now) {
    const trip = Math.max(0.1, now - flight.at);
    if (trip < this.shortest || now - this.shortestAt > TRIP_LIFETIME) {
      this.shortest = trip;
      this.shortestAt = now;
    }
    const rate = (this.settled - flight.settled) / Math.max(0.1, now - flight.settledAt);
    if (flight.end > this.roundEnd) {
      this.roundEnd = this.sent;
      this.endRound(rate);
    } else {
      this.rates[0] = Math.max(this.rates[0] ?? 0, rate);
    }
    const needed = this.rate * (this.shortest + QUEUE * 1000) * (this.isStarting ? 2 : 1);
    this.target = Math.max(needed, 2 * this.frame());
  }

  endRound(rate) {
    if (this.isStarting) {
      this.stale = rate > this.rate * GROWTH ? 0 : this.stale + 1;
      this.isStarting = this.stale < 3;
    }
    this.rates.unshift(rate);
    this.rates.length = Math.min(this.rates.length, ROUNDS);
  }
}
