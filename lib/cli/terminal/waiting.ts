import { Failure } from "../../base/failure.ts";
import type { EventType, SessionEvent } from "../../session/events.ts";
import type { Reporter } from "../reporting/reporter.ts";

/** Milliseconds without a sender after which a person may wonder whether one can get through. */
const QUIET_TIME = 30_000;

/** What happens while nobody has come: this side's own doing, and the gateway's. */
const OWN_EVENTS: ReadonlySet<EventType> = new Set(
  ["admits", "mapped", "not-mapped"] as const,
);

/** Reports once that no sender has come, if that takes long. */
export class QuietTimer {
  readonly #reporter: Pick<Reporter, "on">;
  readonly #time: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(reporter: Pick<Reporter, "on">, time = QUIET_TIME) {
    this.#reporter = reporter;
    this.#time = time;
  }

  /** Takes what happens: whatever comes from elsewhere ends it. */
  on(event: SessionEvent): void {
    if (event.type === "listening") {
      const { port } = event;
      const seconds = this.#time / 1000;
      const notice = { type: "nothing-arrived", port, seconds } as const;
      this.#timer = setTimeout(() => this.#reporter.on(notice), this.#time);
    } else if (!OWN_EVENTS.has(event.type)) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

/** Ends a receiver of many transfers when none has been under way for a while. */
export class IdleTimer {
  readonly #wait: number | undefined;
  readonly #controller = new AbortController();
  readonly #running = new Set<string>();
  #completed = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param wait milliseconds; undefined: it never ends */
  constructor(wait: number | undefined) {
    this.#wait = wait;
  }

  /** Is aborted when it has been idle for too long. */
  get over(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  /** Takes what happens: a transfer runs from its offer on. */
  on({ type, transfer = "" }: SessionEvent): void {
    if (type === "offer") this.#running.add(transfer);
    else if (type === "done" || type === "failed") {
      this.#running.delete(transfer);
      if (type === "done") this.#completed++;
    } else if (type !== "listening") return;
    clearTimeout(this.#timer);
    if (this.#wait === undefined || this.#running.size > 0) return;
    const seconds = this.#wait / 1000;
    const failure = new Failure({ code: "nobody-came", seconds });
    const end = () => this.#controller.abort(failure);
    this.#timer = setTimeout(end, this.#wait);
  }

  /** @throws {Failure} `nobody-came` if it ended so, and nothing had come before */
  throwIfInVain(): void {
    if (this.#completed === 0) this.over.throwIfAborted();
  }
}
