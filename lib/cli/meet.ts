import { hostMeeting } from "../session/meeting/host.ts";
import type { MeetCommand } from "./arguments/args.ts";
import type { Reporter } from "./reporting/reporter.ts";

/**
 * Runs `ferry meet` until the signal is aborted, which is how it ends in order.
 *
 * @throws {Failure} if the port cannot be bound
 */
export async function runMeet(
  command: MeetCommand,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<void> {
  await hostMeeting({
    ...command,
    relayRate: command["relay-rate"],
    relays: !command["no-relay"],
    signal,
    on: (event) => reporter.on(event),
  });
}
