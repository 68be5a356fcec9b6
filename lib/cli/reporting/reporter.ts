import type { Listener } from "../../session/listener.ts";
import type { Verdict } from "../exit_status.ts";
import type { Explanation } from "./bottleneck.ts";
import type { QuestionReporter } from "../terminal/questions.ts";

/** Tells whoever runs a command what happens in the course of it. */
export interface Reporter extends Listener, QuestionReporter {
  trace(line: string): void;
  /** Why it was as fast as it was. */
  explained(explanation: Explanation): void;
  failed(verdict: Verdict): void;
  /** Nothing follows: what is held back is written. */
  close(): void;
  /** Tells of one transfer of several. */
  transfer(peer: string): Reporter;
}
