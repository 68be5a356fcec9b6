import { type Sample, TimeSeries } from "../../../lib/cli/reporting/sampler.ts";

/** A sample at `time` ms of a sender that sends 1 kB each ms over a path of 20 ms. */
export function sampleAt(time: number, changes: Partial<Sample> = {}): Sample {
  return {
    time,
    bytes: 1000 * time,
    datagrams: time,
    repeated: 0.1 * time,
    rtt: 20,
    congestionWindow: 40_000,
    bytesInFlight: 20_000,
    unread: 0,
    limited: { source: 0, receiver: 0, path: time, rate: 0, cpu: 0 },
    unreadTime: 0.25 * time,
    cpuTime: 0.5 * time,
    ...changes,
  };
}

/** A series of such samples, each `step` ms. */
export function seriesUntil(end: number, step: number): TimeSeries {
  const series = new TimeSeries();
  for (let time = 0; time <= end; time += step) series.add(sampleAt(time));
  return series;
}

/** A datagram that was sent, as a trace tells of it. */
export const DATAGRAM = {
  what: "SEND",
  time: 1,
  packet: 7,
  seq: 43,
  ack: 0,
  connection: "00ff",
  flags: 4,
  path: undefined,
  length: 512,
  size: 550,
  window: undefined,
  sackBlocks: [],
  reset: undefined,
  duplicate: false,
} as const;
