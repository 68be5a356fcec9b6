import { Link } from "../../net/link.ts";

/** What is to happen to one datagram: it is lost, comes twice, or comes so many ms late. */
export type Fate = "lost" | "doubled" | number;

/** A link that does to its nth datagram what a script says, and nothing to others. */
export class ScriptedLink extends Link {
  readonly #delay: number;
  readonly #fates: ReadonlyMap<number, Fate>;

  /** @param delay milliseconds from one end to the other */
  constructor(delay: number, fates: ReadonlyMap<number, Fate>) {
    super({ delay }, 0);
    this.#delay = delay;
    this.#fates = fates;
  }

  override enter(now: number): number {
    const fate = this.#fates.get(this.counters.entered++);
    if (fate === "lost") return 0;
    this.exits[0] = now + this.#delay + (typeof fate === "number" ? fate : 0);
    if (fate !== "doubled") return 1;
    this.exits[1] = this.exits[0];
    return 2;
  }
}
