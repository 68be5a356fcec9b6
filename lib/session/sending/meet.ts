import type { Endpoint } from "../../endpoint/endpoint.ts";
import { bindAbort } from "../closing.ts";
import { Rendezvous } from "../meeting/rendezvous.ts";
import type { Checked } from "../options.ts";
import { agree, type Connected, type ConnectOptions } from "./connect.ts";

/**
 * Connects to the receiver with this code at the meeting point of the options.
 *
 * @param scope takes what is to be disposed of when all is over
 * @throws {Failure} if it cannot be met, or does not agree
 */
export async function connectAtMeeting(
  endpoint: Endpoint,
  code: string,
  options: Checked & ConnectOptions & {
    readonly wait?: number | undefined;
  },
  scope: AsyncDisposableStack,
): Promise<Connected> {
  const security = { mode: "code", code } as const;
  const meeting = scope.use(
    await Rendezvous.open(endpoint, "sender", security, options),
  );
  const open = async () => {
    const channel = await meeting.connect();
    bindAbort(channel, options.signal);
    channel.established.then(
      () => options.on({ type: "connected", peer: channel.peer }),
      () => {},
    );
    return channel;
  };
  const { result } = await agree(security, open, options);
  const connected = await result;
  const begun = meeting.begin(connected);
  begun.catch(() => {});
  return { ...connected, begun };
}
