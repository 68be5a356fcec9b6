import type {
  AckEvent,
  CongestionController,
  LossEvent,
} from "../congestion_controller.ts";
import { socketBufferDatagrams } from "../peer_socket_buffer.ts";
import { FastStart } from "./fast_start.ts";
import { InflightLimits } from "./inflight_limits.ts";
import {
  ExtraAckedFilter,
  FullBandwidthEstimator,
  MaxBwFilter,
  MinRttFilter,
} from "./model.ts";
import { Overrun } from "./overrun.ts";
import { ProbeSchedule } from "./probe_schedule.ts";
import { RandomLoss } from "./random_loss.ts";
import { Round, showsQueue } from "./round.ts";
import { SocketBufferBound } from "./socket_buffer_bound.ts";

/** The states of section 5.1. */
export type BbrState =
  | "Startup"
  | "Drain"
  | "ProbeBW_DOWN"
  | "ProbeBW_CRUISE"
  | "ProbeBW_REFILL"
  | "ProbeBW_UP"
  | "ProbeRTT";

interface Gains {
  readonly pacingGain: number;
  readonly cwndGain: number;
}

/**
 * Gains of each state (section 5.6.1). ProbeBW_DOWN and ProbeBW_CRUISE have a
 * cwndGain of 2 in the draft. With 1.5 less of a queue stands: in the simulator
 * (50 Mbit/s, 40 ms, a queue of 4 BDP) the median round trip with 5 ms of jitter
 * is 51 ms instead of 56, and CUBIC keeps 0.49 beside one flow instead of 0.43.
 */
const GAINS: Readonly<Record<BbrState, Gains>> = {
  Startup: { pacingGain: 2.77, cwndGain: 2 },
  Drain: { pacingGain: 0.5, cwndGain: 2 },
  ProbeBW_DOWN: { pacingGain: 0.9, cwndGain: 1.5 },
  ProbeBW_CRUISE: { pacingGain: 1, cwndGain: 1.5 },
  ProbeBW_REFILL: { pacingGain: 1, cwndGain: 2 },
  ProbeBW_UP: { pacingGain: 1.25, cwndGain: 2.25 },
  ProbeRTT: { pacingGain: 1, cwndGain: 0.5 },
};

/** BBR.MinPipeCwnd, in datagrams (section 2.8). */
const MIN_PIPE_CWND = 4;
/** 1 - BBR.PacingMarginPercent: pacing stays below the model, so that no queue builds up (section 2.5). */
const PACING_MARGIN = 0.99;
/** BBR.ProbeRTTDuration, in milliseconds (section 2.16.2). */
const PROBE_RTT_DURATION = 200;
/** Growth of the bandwidth that lets a probe go on; the draft asks for 1.25 (section 5.3.1.2). */
const PROBE_BW_GROWTH = 1.1;
/**
 * What is left in flight when Drain ends, in BDPs; 1 in the draft (section 5.3.2).
 * Acknowledgements are late and come in batches, and the path would stand idle. In
 * the simulator (10 Mbit/s, 40 ms, a queue of 10 BDP), 10 MB take 8.209 s instead
 * of 8.217.
 */
const DRAINED_GAIN = 1.25;
/** Rounds after which a probe ends without such growth, at most. */
const MAX_PROBE_ROUNDS = 3;
/**
 * Pacing is bounded by the window, too, which the draft does not do: what one
 * acknowledgement frees must not enter a full queue as a burst. In the simulator
 * (50 Mbit/s, 40 ms, a queue of 4 BDP) CUBIC keeps 0.49 beside one flow instead
 * of 0.42.
 */
const WINDOW_PACING_GAIN = 1.15;

/**
 * BBR version 3 after draft-ietf-ccwg-bbr-06: a model of the path's bandwidth
 * and round trip says how fast to send and how much to have in flight. Sections
 * cited here and beside are that draft's, and so are the names.
 *
 * It deviates from the draft where {@linkcode RandomLoss},
 * {@linkcode FastStart}, {@linkcode Overrun}, {@linkcode InflightLimits},
 * {@linkcode ProbeSchedule} and {@linkcode SocketBufferBound} say so, each for a reason of its own. Of
 * the draft it lacks BBR.bw_shortterm, precautionary probing (section 5.3.3.6)
 * and the undoing of spurious losses (section 5.5.11). Like the draft it is
 * experimental.
 */
export class Bbr implements CongestionController {
  readonly #maxBw = new MaxBwFilter();
  readonly #minRtt = new MinRttFilter();
  readonly #extraAcked = new ExtraAckedFilter();
  readonly #round = new Round();
  readonly #fullBw = new FullBandwidthEstimator();
  readonly #randomLoss = new RandomLoss();
  readonly #fastStart = new FastStart();
  readonly #overrun = new Overrun();
  readonly #inflightLimits = new InflightLimits();
  readonly #socketBuffer = new SocketBufferBound();
  readonly #probeSchedule: ProbeSchedule;
  #datagramSize = 0;
  #state: BbrState = "Startup";
  #roundsInState = 0;
  #congestionWindow = 0;
  #pacingRate = Infinity;
  // The bandwidth that the current probe has found so far.
  #probedBw = 0;
  #probeRttDone = Infinity;
  // A first flight has overrun the path.
  #isOverrun = false;
  // Losses of what was sent before have been responded to.
  #respondedAt = -Infinity;

  /**
   * @param maxDatagramSize bytes
   * @param seed spreads the probes of different flows over time
   */
  constructor(maxDatagramSize: number, seed: number) {
    this.#probeSchedule = new ProbeSchedule(seed);
    const datagrams = socketBufferDatagrams(maxDatagramSize);
    this.onPath(maxDatagramSize, datagrams * maxDatagramSize);
  }

  onPath(datagramSize: number, socketBuffer: number): void {
    this.#datagramSize = datagramSize;
    this.#socketBuffer.onPath(datagramSize, this.#minPipeCwnd, socketBuffer);
    this.#fastStart.onPath(datagramSize, socketBuffer);
    this.#overrun.onPath(datagramSize);
    if (this.#isFirst) {
      const window = GAINS.Startup.cwndGain * this.#fastStart.bdp;
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

  get #isFirst(): boolean {
    return this.#fastStart.isFirst(this.#round.count);
  }

  get #minPipeCwnd(): number {
    return MIN_PIPE_CWND * this.#datagramSize;
  }

  onPacketSettled(sentTime: number, lost: boolean): void {
    this.#randomLoss.onSettled(sentTime, lost);
  }

  onLost({ sentTime, lostBytes }: LossEvent): void {
    if (sentTime > this.#respondedAt) this.#round.lost += lostBytes;
  }

  onAcked(event: AckEvent): void {
    const { rate } = event;
    const isRoundStart = this.#round.update(event);
    if (isRoundStart) {
      this.#roundsInState++;
      this.#probeSchedule.onRound();
      this.#extraAcked.onRoundStart(this.#round.count);
    }
    if (rate.deliveryRate >= this.#maxBw.maxBw || !rate.appLimited) {
      this.#maxBw.update(rate.deliveryRate);
    }
    const { minRtt } = this.#minRtt;
    if (isRoundStart) this.#fastStart.onRound(event);
    else this.#fastStart.onAcked(event, minRtt);
    if (isRoundStart) this.#overrun.onRound(event);
    else this.#overrun.onAcked(event, minRtt);
    this.#updateMinRtt(event);
    this.#extraAcked.update(
      event,
      this.#maxBw.maxBw,
      this.#round.count,
      this.#congestionWindow,
    );
    if (isRoundStart) this.#onRoundStart(event);
    this.#checkOverrun(event.now);
    this.#updateState(event);
    this.#setCwnd(event);
    this.#setPacingRate(event.rtt.smoothedRtt);
  }

  onPersistentCongestion(): void {
    this.#congestionWindow = this.#minPipeCwnd;
  }

  // The model.

  #updateMinRtt({ now, sentTime, rttSample }: AckEvent): void {
    if (rttSample === undefined) return;
    this.#minRtt.update(now, rttSample);
    if (!showsQueue(rttSample, this.#minRtt.minRtt)) {
      this.#randomLoss.onEmptyQueue(sentTime);
    }
  }

  #onRoundStart({ now, rate }: AckEvent): void {
    const round = this.#round;
    const { minRtt } = this.#minRtt;
    if (this.#state === "Startup") {
      if (!rate.appLimited) {
        const window = this.#congestionWindow;
        this.#fullBw.onRound(this.#maxBw.maxBw, round, minRtt, window);
      }
    } else if (this.#randomLoss.isExceededBy(round, minRtt)) {
      this.#onCongestion(now);
    } else if (this.#state === "ProbeBW_UP") {
      this.#inflightLimits.onProbeRound(round.maxInflight, this.#datagramSize);
    } else this.#inflightLimits.onQuietRound();
    round.clear();
  }

  #checkOverrun(now: number): void {
    if (!this.#isFirst || this.#fullBw.reached) return;
    const rate = this.#overrun.rateAt(now, this.#minRtt.minRtt);
    if (rate === 0) return;
    this.#maxBw.update(rate);
    this.#fullBw.reached = true;
    this.#isOverrun = true;
  }

  #onCongestion(now: number): void {
    this.#respondedAt = now;
    const { txInflight, acked } = this.#round;
    switch (this.#state) {
      case "ProbeBW_UP":
      case "ProbeBW_REFILL":
        this.#inflightLimits.onProbeTooHigh(
          txInflight,
          this.#inflight(1),
          this.#datagramSize,
        );
        this.#enter("ProbeBW_DOWN", now);
        break;
      case "ProbeBW_CRUISE":
      case "ProbeBW_DOWN":
        this.#inflightLimits.onCongestion(acked, this.#congestionWindow);
    }
  }

  // The state machine (section 5.3).

  #updateState(event: AckEvent): void {
    const { now, bytesInFlight } = event;
    switch (this.#state) {
      case "Startup":
        if (!this.#fullBw.reached) break;
        this.#respondedAt = now;
        this.#enter("Drain", now);
        break;
      case "Drain":
        // The rest is left to ProbeBW_DOWN: it left the queue before it was acknowledged.
        if (bytesInFlight <= this.#inflight(DRAINED_GAIN)) {
          this.#enter("ProbeBW_DOWN", now);
        }
        break;
      case "ProbeBW_DOWN":
        // Other flows may keep the queue from draining.
        if (this.#probeSchedule.isTimeToProbe(now)) {
          this.#enter("ProbeBW_REFILL", now);
        } else if (this.#isTimeToCruise(bytesInFlight)) {
          this.#enter("ProbeBW_CRUISE", now);
        }
        break;
      case "ProbeBW_CRUISE":
        if (this.#probeSchedule.isTimeToProbe(now)) {
          this.#enter("ProbeBW_REFILL", now);
        }
        break;
      case "ProbeBW_REFILL":
        if (this.#roundsInState > 1) this.#enter("ProbeBW_UP", now);
        break;
      case "ProbeBW_UP":
        if (this.#isTimeToGoDown(bytesInFlight)) {
          this.#enter("ProbeBW_DOWN", now);
        }
        break;
      case "ProbeRTT":
        this.#handleProbeRtt(now, bytesInFlight);
        return;
    }
    if (this.#minRtt.isExpired(now)) this.#enter("ProbeRTT", now);
  }

  #isTimeToCruise(bytesInFlight: number): boolean {
    return this.#roundsInState > 0 &&
      bytesInFlight <=
        Math.min(this.#inflight(1), this.#inflightLimits.withHeadroom);
  }

  // Once the pipe holds a quarter more, and the bandwidth no longer grows.
  #isTimeToGoDown(bytesInFlight: number): boolean {
    if (this.#roundsInState < 2) return false;
    const { maxBw } = this.#maxBw;
    if (maxBw >= this.#probedBw * PROBE_BW_GROWTH) {
      this.#probedBw = maxBw;
      this.#roundsInState = 0;
      return false;
    }
    return bytesInFlight >= this.#inflight(GAINS.ProbeBW_UP.pacingGain) ||
      this.#roundsInState > MAX_PROBE_ROUNDS;
  }

  // Section 5.3.4.3.
  #handleProbeRtt(now: number, bytesInFlight: number): void {
    const probeRttCwnd = this.#inflight(GAINS.ProbeRTT.cwndGain);
    if (this.#probeRttDone === Infinity) {
      if (bytesInFlight > probeRttCwnd + this.#datagramSize) return;
      this.#probeRttDone = now + PROBE_RTT_DURATION;
      this.#minRtt.forget();
    } else if (
      now >= this.#probeRttDone && this.#minRtt.minRtt !== Infinity
    ) {
      this.#enter(this.#fullBw.reached ? "ProbeBW_CRUISE" : "Startup", now);
    }
  }

  #enter(state: BbrState, now: number): void {
    if (GAINS[state].pacingGain < 1) this.#randomLoss.onDrainStart(now);
    else this.#randomLoss.onDrainEnd(now);
    this.#state = state;
    this.#roundsInState = 0;
    switch (state) {
      case "ProbeBW_DOWN":
        this.#probeSchedule.onProbeEnd(now);
        this.#maxBw.advance();
        break;
      case "ProbeBW_REFILL":
        this.#inflightLimits.resetShortterm();
        break;
      case "ProbeBW_UP":
        this.#inflightLimits.onProbeStart();
        this.#probedBw = this.#maxBw.maxBw;
        break;
      case "ProbeRTT":
        this.#probeRttDone = Infinity;
    }
  }

  // Control parameters (section 5.6).

  // Section 5.6.2.
  #setPacingRate(smoothedRtt: number): void {
    const { pacingGain, cwndGain } = GAINS[this.#state];
    const rate = pacingGain * this.#maxBw.maxBw * PACING_MARGIN;
    if (!this.#fullBw.reached) {
      // The first windows are ahead of what earlier rounds have measured.
      const window = this.#isFirst ? this.#congestionWindow : 0;
      const bdp = Math.max(window / cwndGain, this.#fastStart.bdp);
      const initial = pacingGain * bdp / this.#minRtt.minRtt;
      const { flightRate } = this.#fastStart;
      const flightTime = this.#fastStart.flightTime(this.#minRtt.minRtt);
      const short = this.#congestionWindow / flightTime;
      this.#pacingRate = Math.max(rate, initial, short, flightRate);
      return;
    }
    // What is lost while the queue drains is what RandomLoss measures, and the
    // smoothed round trip still has the queue in it.
    if (pacingGain < 1) this.#pacingRate = rate;
    else {
      this.#pacingRate = Math.min(
        rate * this.#randomLoss.compensation,
        WINDOW_PACING_GAIN * this.#congestionWindow / smoothedRtt,
      );
    }
  }

  // Inflight() of section 5.6.4.2.
  #inflight(gain: number, bw = this.#maxBw.maxBw): number {
    const { minRtt } = this.#minRtt;
    if (minRtt === Infinity) return this.#congestionWindow;
    const bdp = bw * minRtt * this.#randomLoss.compensation;
    const least = this.#socketBuffer.minInflight(this.#pacingRate);
    return Math.max(gain * bdp, least) + this.#minPipeCwnd;
  }

  // SetCwnd() of section 5.6.4.6.
  #setCwnd({ ackedBytes, bytesInFlight }: AckEvent): void {
    const { cwndGain } = GAINS[this.#state];
    const { minRtt } = this.#minRtt;
    const maxInflight = this.#socketBuffer.bound(
      this.#inflight(cwndGain),
      this.#extraAcked.extraAcked,
      minRtt,
    );
    const grown = this.#congestionWindow + ackedBytes;
    if (this.#fullBw.reached) {
      this.#congestionWindow = Math.min(grown, maxInflight);
    } else {
      if (this.#isFirst || this.#congestionWindow < maxInflight) {
        this.#congestionWindow = grown;
      }
      this.#congestionWindow = Math.max(
        this.#congestionWindow,
        this.#flightInflight,
      );
    }
    this.#congestionWindow = Math.max(
      this.#minPipeCwnd,
      Math.min(this.#congestionWindow, this.#volumeCap),
    );
    // What was dropped counts as in flight until later packets show that it is lost.
    if (this.#isOverrun && this.#state === "Drain") {
      this.#congestionWindow = Math.max(
        this.#congestionWindow,
        bytesInFlight + ackedBytes,
      );
    }
  }

  // What the first flights have shown need not be found by doubling.
  get #flightInflight(): number {
    const { flightRate } = this.#fastStart;
    if (flightRate === 0) return 0;
    const inflight = this.#inflight(1, flightRate);
    return this.#socketBuffer.bound(inflight, 0, this.#minRtt.minRtt);
  }

  // BoundCwndForModel() of section 5.6.4.7, and ProbeRTTCwnd().
  get #volumeCap(): number {
    const { longterm, shortterm, withHeadroom } = this.#inflightLimits;
    switch (this.#state) {
      case "ProbeRTT":
        return this.#inflight(GAINS.ProbeRTT.cwndGain);
      case "ProbeBW_CRUISE":
        return Math.min(shortterm, withHeadroom);
      default:
        return Math.min(shortterm, longterm);
    }
  }
}
