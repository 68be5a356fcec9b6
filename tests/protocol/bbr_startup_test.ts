import { assert, assertEquals } from "@std/assert";
import { RoundSignals } from "../../lib/protocol/bbr_rounds.ts";
import { FullPipe } from "../../lib/protocol/bbr_startup.ts";
import { ackEvent } from "./ack_event.ts";

const MIN_RTT = 50;
const WINDOW = 100_000;

/** What a round trip was like. */
interface Round {
  bandwidth: number;
  rtt?: number;
  inFlight?: number;
  lost?: number;
}

/** Whether the pipe is taken for full after each of these rounds. */
function after(rounds: Round[]): boolean[] {
  const pipe = new FullPipe();
  return rounds.map(({ bandwidth, rtt = MIN_RTT, inFlight = 0, lost = 0 }) => {
    const signals = new RoundSignals();
    signals.update(
      ackEvent({ ackedBytes: 50_000, priorInFlight: inFlight, rttSample: rtt }),
    );
    signals.onLost(lost);
    pipe.onRound(bandwidth, signals, MIN_RTT, WINDOW);
    return pipe.filled;
  });
}

Deno.test("as long as the bandwidth grows the pipe is not full", () => {
  const rounds = [1, 2, 3, 4, 5, 7, 9].map((bandwidth) => ({
    bandwidth,
    inFlight: WINDOW,
  }));
  assert(!after(rounds).includes(true));
});

Deno.test("three rounds without growth fill the pipe, if the window was used", () => {
  const round = { bandwidth: 10, inFlight: WINDOW };
  assertEquals(after([round, round, round, round]), [
    false,
    false,
    false,
    true,
  ]);
});

Deno.test("a machine that sends less than it may does not fill the pipe", () => {
  const round = { bandwidth: 10, inFlight: WINDOW / 2 };
  assert(!after(Array(20).fill(round)).includes(true));
});

Deno.test("a queue that overflows shows a full pipe at once, a queue or loss alone does not", () => {
  const first = { bandwidth: 10 };
  const lossy = { ...first, lost: 10_000 };
  const queued = { ...first, rtt: 2 * MIN_RTT };
  assertEquals(after([first, { ...queued, lost: 10_000 }]), [false, true]);
  assertEquals(after([first, lossy, lossy]).at(-1), false);
  assertEquals(after([first, queued, queued]).at(-1), false);
});
