// How much to have in flight: enough to fill the link, little enough that a click doesn't wait behind it.
//
// As in BBR: the measured rate times the shortest round trip, plus a small queue. A round without any queue leaves room
// for more, so it grows until there is one, and now and then even so: a long frame may look like one. From time to time
// the queue is let run dry, as the round trip can't be measured behind it. `sent` and `settled` (by the server) count
// bytes since the socket opened.

const QUEUE = 20; // ms of link time to keep queued
const SLICE = 12; // ms of link time in one frame
const FIRST = 32 * 1024;
const SMALLEST = 8 * 1024;
const ROUNDS = 10; // rounds for which the best rate counts
const TRIP_LIFETIME = 10_000; // ms for which the shortest round trip counts
const START = 2; // how much more a round may be than the one before, until the first queue is seen
const GROWTH = 1.25; // the same from then on
const PROBE = 8; // rounds, of which one grows even so
const DRAIN = 1.5; // how much less than the link holds is under way while the queue runs dry

export class SendWindow {
  constructor(limit) {
    this.limit = limit;
    this.sent = 0;
    this.settled = 0;
    this.credit = limit;
    this.flights = []; // frames in flight: { size, end, at, settled, settledAt }
    this.settledAt = 0;
    this.rates = [0]; // bytes per ms, the best of each round, latest first
    this.roundEnd = 0;
    this.trip = Infinity; // ms, the shortest of this round
    this.shortest = Infinity; // ms
    this.shortestAt = 0;
    this.isDraining = false;
    this.growth = this.gain = START;
    this.rounds = 0;
    this.least = 0; // bytes of a frame, while the server is busy
    this.target = 0; // until a rate is measured, it follows the first frame
  }

  get inFlight() {
    return this.sent - this.settled;
  }

  get rate() {
    return Math.max(...this.rates);
  }

  /** Bytes that may be sent now, for a frame of at most `most`; 0 means wait. `first`: of a frame while no rate is known. */
  room(most, first = FIRST) {
    const want = Math.min(most, this.frame(first));
    const open = this.credit - this.sent;
    if (open < Math.min(want, SMALLEST)) return 0;
    return this.inFlight && this.inFlight + want > (this.rate ? this.target : 4 * first) ? 0 : Math.min(want, open);
  }

  /** The size of the next frame: a slice of link time, or what a busy server wants. */
  frame(first = FIRST) {
    if (!this.rate) return first;
    return Math.max(this.least || SMALLEST, SMALLEST * Math.round((this.rate * SLICE) / SMALLEST));
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
    this.trip = Math.min(this.trip, trip);
    if (trip < this.shortest) Object.assign(this, { shortest: trip, shortestAt: now });
    const rate = (this.settled - flight.settled) / Math.max(0.1, now - flight.settledAt);
    this.rates[0] = Math.max(this.rates[0], rate);
    if (flight.end > this.roundEnd) this.endRound(now);
    const wanted = this.isDraining ? this.shortest / DRAIN : (this.shortest + QUEUE) * this.gain;
    this.target = Math.max(this.rate * wanted, 2 * this.frame());
  }

  endRound(now) {
    if (this.isDraining) Object.assign(this, { shortest: this.trip, shortestAt: now });
    this.isDraining = now - this.shortestAt > TRIP_LIFETIME;
    const hasQueue = this.trip > this.shortest + QUEUE / 2;
    if (hasQueue) this.growth = GROWTH;
    this.gain = hasQueue && ++this.rounds % PROBE ? 1 : this.growth;
    this.roundEnd = this.sent;
    this.trip = Infinity;
    this.rates.unshift(0);
    this.rates.length = Math.min(this.rates.length, ROUNDS);
  }
}
