import { Random } from "../../base/prng.ts";
import { type BbrState, GAINS } from "./bbr_states.ts";
import * as model from "./bbr_model.ts";
import { RoundSignals, showsQueue } from "./bbr_rounds.ts";
import { FlightRate, FullPipe } from "./bbr_startup.ts";
import type {
  AckEvent,
  CongestionController,
  LossEvent,
} from "./congestion_controller.ts";
import { socketBuffer } from "./socket_buffer.ts";

/** Datagrams that the path is taken to carry in a round trip at first, if the peer's kernel holds as many. */
const INITIAL_BDP = 128;
/** Rounds in which the window grows whatever the model says: the handshake, and the first window. */
const FIRST_ROUNDS = 3;
/** Datagrams in flight at least. */
const MIN_WINDOW = 4;
/** A burst lasts so many milliseconds at the pacing rate at most, */
const QUANTUM_TIME = 1;
/** and so many of them fit into the flight, and into the peer's kernel: one leaves, one is on its way, one is being acknowledged. */
const QUANTA = 3;
/** Pacing stays this much below the model, so that no queue builds up (section 2.2). */
const PACING_MARGIN = 0.99;
/** What is kept of the flight when congestion shows: this share of it, */
const BETA = 0.4;
/** and so many datagrams, but no more than it was: who has little yields nothing, who has much the more. */
const KEPT = 104;
/** What is kept of the window until the next probe when others cause it (section 2.8), */
const BETA_LO = 0.85;
/** and by how much that grows in each round without congestion. */
const GROWTH_LO = 1.08;
/** What leaves is paced by the window, too: what one acknowledgement frees is no burst into a full queue. */
const WINDOW_PACING_GAIN = 1.15;
/** The share of the known limit that is left to others while cruising. */
const HEADROOM = 0.85;
/** Rounds from one probe for bandwidth to the next, plus up to as many again: flows that share a path come to equal shares the sooner. */
const PROBE_ROUNDS = 7;
/** Milliseconds after which it is time to probe however few rounds there were. */
const PROBE_WAIT = 2000;
/** Datagrams by which the first round of a probe may raise the limit; each further one may raise it by twice as many. */
const MIN_PROBE_GROWTH = 2;
/** Milliseconds with little in flight, to measure the minimum round trip (section 2.10). */
const PROBE_RTT_DURATION = 200;
/** Within a shorter round trip, in milliseconds, hardly anything is on its way: what is in flight waits in the peer's kernel. */
const SHORT_RTT = 1;

/**
 * BBR after draft-ietf-ccwg-bbr: a model of the path's bandwidth and round
 * trip says how fast to send and how much to have in flight. It differs from
 * the draft in what loss means: loss that the path has at any rate is measured
 * while little is sent, and made up for; only what comes on top of it, with a
 * queue, is congestion.
 */
export class Bbr implements CongestionController {
  #mss = 0;
  // Bytes that the peer's kernel holds, and that leave in one burst at most.
  #socketBuffer = 0;
  #maxQuantum = 0;
  #initialBdp = 0;
  readonly #random: Random;
  readonly #bandwidth = new model.MaxBandwidth();
  readonly #minRtt = new model.MinRtt();
  readonly #aggregation = new model.AckAggregation();
  readonly #randomLoss = new model.RandomLoss();
  readonly #rounds = new RoundSignals();
  readonly #pipe = new FullPipe();
  readonly #flightRate = new FlightRate();
  #state: BbrState = "Startup";
  #roundsInState = 0;
  #congestionWindow = 0;
  #pacingRate = Infinity;
  // The bandwidth that a probe has found so far.
  #probedBandwidth = 0;
  #lastProbe = 0;
  #roundsSinceProbe = 0;
  #probeRounds = 0;
  #probeGrowth = 0;
  #probeRttDone = Infinity;
  // What was lost of what left before has been answered already.
  #answered = -Infinity;
  // What congestion has shown: the most that may be in flight, for long, and until the next probe.
  #inflightHi = Infinity;
  #inflightLo = Infinity;

  /**
   * @param maxDatagramSize bytes
   * @param seed spreads the probes of different flows over time
   */
  constructor(maxDatagramSize: number, seed: number) {
    this.#random = new Random(seed);
    this.onPath(
      maxDatagramSize,
      socketBuffer(maxDatagramSize) * maxDatagramSize,
    );
  }

  onPath(datagramSize: number, socketBuffer: number): void {
    this.#mss = datagramSize;
    this.#socketBuffer = socketBuffer;
    this.#maxQuantum = Math.max(
      datagramSize,
      (socketBuffer - MIN_WINDOW * datagramSize) / QUANTA,
    );
    this.#initialBdp = Math.min(INITIAL_BDP * datagramSize, socketBuffer);
    if (this.#isBeginning) {
      const window = GAINS.Startup.cwndGain * this.#initialBdp;
      this.#congestionWindow = Math.max(
        this.#congestionWindow,
        Math.min(window, socketBuffer),
      );
    }
  }

  get state(): BbrState {
    return this.#state;
  }

  get congestionWindow(): number {
    return this.#congestionWindow;
  }

  get pacingRate(): number {
    return this.#pacingRate;
  }

  // The first window's worth says nothing yet of what the path carries.
  get #isBeginning(): boolean {
    return this.#rounds.count < FIRST_ROUNDS;
  }

  // Section 5.6.2.
  #updatePacingRate(smoothedRtt: number): void {
    const { pacingGain, cwndGain } = GAINS[this.#state];
    const rate = pacingGain * this.#bandwidth.value * PACING_MARGIN;
    if (!this.#pipe.filled) {
      // The first windows are ahead of what the rates of earlier rounds say.
      const window = this.#isBeginning ? this.#congestionWindow : 0;
      const bdp = Math.max(window / cwndGain, this.#initialBdp);
      const initial = pacingGain * bdp / this.#minRtt.value;
      this.#pacingRate = Math.max(rate, initial, this.#flightRate.next);
      return;
    }
    // While it drains, nothing is made up for: what is lost then is lost anyhow.
    const compensated = pacingGain < 1 ? rate : rate * this.#compensation;
    this.#pacingRate = Math.min(
      compensated,
      WINDOW_PACING_GAIN * this.#congestionWindow / smoothedRtt,
    );
  }

  // Sending this much more makes up for what the path loses anyhow.
  get #compensation(): number {
    return 1 / (1 - this.#randomLoss.rate);
  }

  // Section 5.6.4.2: what the path holds, but enough for acknowledgements that
  // come for many datagrams at once, and for timers that are late.
  #inflight(gain: number, bandwidth = this.#bandwidth.value): number {
    if (this.#minRtt.value === Infinity) return this.#congestionWindow;
    const bdp = bandwidth * this.#minRtt.value * this.#compensation;
    return Math.max(gain * bdp, QUANTA * this.#quantum) +
      MIN_WINDOW * this.#mss;
  }

  // What may leave in one burst, in bytes (section 5.6.3).
  get #quantum(): number {
    const quantum = this.#pacingRate * QUANTUM_TIME;
    return Math.min(quantum, this.#maxQuantum);
  }

  onPacketSettled(sentTime: number, lost: boolean): void {
    this.#randomLoss.onSettled(sentTime, lost);
  }

  onLost(event: LossEvent): void {
    if (event.sentTime > this.#answered) this.#rounds.onLost(event.lostBytes);
  }

  onAcked(event: AckEvent): void {
    const { rate } = event;
    const isRound = this.#rounds.update(event);
    if (isRound) {
      this.#roundsInState++;
      this.#roundsSinceProbe++;
      this.#aggregation.onRoundStart(this.#rounds.count);
    }
    if (rate.deliveryRate >= this.#bandwidth.value || !rate.appLimited) {
      this.#bandwidth.update(rate.deliveryRate);
    }
    if (isRound) this.#flightRate.onRound(event);
    else this.#flightRate.onAcked(event, this.#minRtt.value);
    this.#updateMinRtt(event);
    this.#aggregation.update(
      event,
      this.#bandwidth.value,
      this.#rounds.count,
      this.#congestionWindow,
    );
    if (isRound) this.#onRound(event);
    this.#advance(event);
    this.#updateWindow(event);
    this.#updatePacingRate(event.rtt.smoothedRtt);
  }

  #updateMinRtt({ now, sentTime, rttSample }: AckEvent): void {
    if (rttSample === undefined) return;
    this.#minRtt.update(now, rttSample);
    if (!showsQueue(rttSample, this.#minRtt.value)) {
      this.#randomLoss.onEmptyQueue(sentTime);
    }
  }

  #onRound(event: AckEvent): void {
    const rounds = this.#rounds;
    const randomLoss = this.#randomLoss.rate;
    if (this.#state === "Startup") {
      if (!event.rate.appLimited) {
        const { value } = this.#bandwidth;
        const window = this.#congestionWindow;
        this.#pipe.onRound(value, rounds, this.#minRtt.value, window);
      }
    } else if (rounds.congested(this.#minRtt.value, randomLoss)) {
      this.#onCongestion(event.now);
    } else if (this.#state === "ProbeBW_UP") this.#raiseInflightHi();
    else this.#inflightLo *= GROWTH_LO;
    rounds.clear();
  }

  #onCongestion(now: number): void {
    this.#answered = now;
    const bdp = this.#inflight(1);
    switch (this.#state) {
      case "ProbeBW_UP":
      case "ProbeBW_REFILL":
        this.#inflightHi = Math.max(bdp, this.#kept());
        this.#enter("ProbeBW_DOWN", now);
        break;
      case "ProbeBW_CRUISE":
      case "ProbeBW_DOWN":
        this.#inflightLo = Math.max(
          this.#rounds.delivered,
          BETA_LO * Math.min(this.#inflightLo, this.#congestionWindow),
        );
    }
  }

  // A flight that others kept below the limit does not lower the limit.
  #kept(): number {
    const { flight } = this.#rounds;
    const hi = this.#inflightHi;
    const limit = hi === Infinity ? flight : Math.max(flight, hi);
    return Math.min(limit, BETA * flight + KEPT * this.#mss);
  }

  // A probe that the limit held back, without congestion, raises it: by the
  // same for a small flow and a large one, so that they draw level.
  #raiseInflightHi(): void {
    if (this.#rounds.maxInFlight < HEADROOM * this.#inflightHi) return;
    this.#inflightHi += this.#probeGrowth * this.#mss;
    this.#probeGrowth *= 2;
  }

  // The transitions of section 4.2.
  #advance(event: AckEvent): void {
    const { now, bytesInFlight } = event;
    switch (this.#state) {
      case "Startup":
        if (!this.#pipe.filled) break;
        this.#answered = now;
        this.#enter("Drain", now);
        break;
      case "Drain":
        if (bytesInFlight <= this.#inflight(1)) {
          this.#enter("ProbeBW_DOWN", now);
        }
        break;
      case "ProbeBW_DOWN":
        // Others may keep the queue from draining.
        if (this.#isTimeToProbe(now)) this.#enter("ProbeBW_REFILL", now);
        else if (this.#roundsInState > 0 && this.#drained(bytesInFlight)) {
          this.#enter("ProbeBW_CRUISE", now);
        }
        break;
      case "ProbeBW_CRUISE":
        if (this.#isTimeToProbe(now)) this.#enter("ProbeBW_REFILL", now);
        break;
      case "ProbeBW_REFILL":
        if (this.#roundsInState > 1) this.#enter("ProbeBW_UP", now);
        break;
      case "ProbeBW_UP":
        if (this.#probedEnough(event)) this.#enter("ProbeBW_DOWN", now);
        break;
      case "ProbeRTT":
        this.#advanceProbeRtt(now, bytesInFlight);
        return;
    }
    if (this.#minRtt.isOld(now)) this.#enter("ProbeRTT", now);
  }

  #drained(bytesInFlight: number): boolean {
    const limit = Math.min(this.#inflight(1), HEADROOM * this.#inflightHi);
    return bytesInFlight <= limit;
  }

  #isTimeToProbe(now: number): boolean {
    return now - this.#lastProbe > PROBE_WAIT ||
      this.#roundsSinceProbe >= this.#probeRounds;
  }

  // A probe lasts until the pipe holds a quarter more, unless the bandwidth still grows.
  #probedEnough({ bytesInFlight }: AckEvent): boolean {
    if (this.#roundsInState < 2) return false;
    const { value } = this.#bandwidth;
    if (value >= this.#probedBandwidth * 1.1) {
      this.#probedBandwidth = value;
      this.#roundsInState = 0;
      return false;
    }
    return bytesInFlight >= this.#inflight(1.25) || this.#roundsInState > 3;
  }

  #advanceProbeRtt(now: number, bytesInFlight: number): void {
    const few = this.#inflight(GAINS.ProbeRTT.cwndGain) + this.#mss;
    if (this.#probeRttDone === Infinity) {
      if (bytesInFlight > few) return;
      this.#probeRttDone = now + PROBE_RTT_DURATION;
      this.#minRtt.forget();
    } else if (now >= this.#probeRttDone && this.#minRtt.value !== Infinity) {
      this.#enter(this.#pipe.filled ? "ProbeBW_CRUISE" : "Startup", now);
    }
  }

  #enter(state: BbrState, now: number): void {
    const drains = GAINS[state].pacingGain < 1;
    if (drains) this.#randomLoss.drainBegins(now);
    else this.#randomLoss.drainEnds(now);
    this.#state = state;
    this.#roundsInState = 0;
    if (state === "ProbeBW_DOWN") {
      this.#lastProbe = now;
      this.#roundsSinceProbe = 0;
      this.#probeRounds = PROBE_ROUNDS + this.#random.int(PROBE_ROUNDS);
      this.#bandwidth.advance();
    } else if (state === "ProbeBW_REFILL") {
      this.#inflightLo = Infinity;
    } else if (state === "ProbeBW_UP") {
      this.#probeGrowth = MIN_PROBE_GROWTH;
      this.#probedBandwidth = this.#bandwidth.value;
    } else if (state === "ProbeRTT") this.#probeRttDone = Infinity;
  }

  // Section 5.6.4.
  #updateWindow({ ackedBytes }: AckEvent): void {
    const { cwndGain } = GAINS[this.#state];
    const floor = MIN_WINDOW * this.#mss;
    const { extraAcked } = this.#aggregation;
    const target = this.#fitting(this.#inflight(cwndGain), extraAcked);
    const grown = this.#congestionWindow + ackedBytes;
    if (this.#pipe.filled) this.#congestionWindow = Math.min(grown, target);
    else if (this.#isBeginning || this.#congestionWindow < target) {
      this.#congestionWindow = grown;
    }
    const shown = this.#pipe.filled ? 0 : this.#shown;
    this.#congestionWindow = Math.max(
      floor,
      Math.min(Math.max(this.#congestionWindow, shown), this.#bound()),
    );
  }

  // What the path has shown to carry need not be found by doubling.
  get #shown(): number {
    const { next } = this.#flightRate;
    return next === 0 ? 0 : this.#fitting(this.#inflight(1, next));
  }

  // On a short path, what comes in batches must still fit into the peer's kernel.
  #fitting(inflight: number, extraAcked = 0): number {
    const target = inflight + extraAcked;
    const short = inflight < this.#socketBuffer ||
      this.#minRtt.value < SHORT_RTT;
    return short ? Math.min(target, this.#socketBuffer) : target;
  }

  #bound(): number {
    switch (this.#state) {
      case "ProbeRTT":
        return this.#inflight(GAINS.ProbeRTT.cwndGain);
      case "ProbeBW_CRUISE":
        return Math.min(this.#inflightLo, HEADROOM * this.#inflightHi);
      default:
        return Math.min(this.#inflightLo, this.#inflightHi);
    }
  }

  onPersistentCongestion(): void {
    this.#congestionWindow = MIN_WINDOW * this.#mss;
  }
}
