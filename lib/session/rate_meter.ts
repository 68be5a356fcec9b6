/** How far back the rate looks, in milliseconds. */
const SPAN = 3000;

/** Measures a rate from a count that grows, over the last seconds. */
export class RateMeter {
  #samples: { time: number; count: number }[] = [];

  /**
   * Takes the count at `time`, in milliseconds on any clock.
   *
   * @returns how much it grew per millisecond of late; 0 at first
   */
  sample(time: number, count: number): number {
    const samples = this.#samples;
    samples.push({ time, count });
    while (samples.length > 2 && samples[1].time <= time - SPAN) {
      samples.shift();
    }
    const span = time - samples[0].time;
    return span > 0 ? (count - samples[0].count) / span : 0;
  }
}
