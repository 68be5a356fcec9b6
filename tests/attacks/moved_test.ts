import { assert } from "@std/assert";
import "../support/libraries.ts";
import { Flag } from "../../lib/protocol/wire/segment.ts";
import { datagramOf, draftOf } from "../support/packets.ts";
import { Relay } from "../net/relay.ts";
import { bytesOf } from "./support/hostile_sender.ts";
import { receiver, sender } from "./support/running.ts";
import { FULL } from "../support/ferry.ts";
import { test } from "../support/fs.ts";
import { udpSocket } from "../net/udp.ts";
import { pause, until } from "../support/wait.ts";

/** Bytes that may go to an address that has not proved itself, for each byte that came in its name (RFC 9000, section 8.1), and what is on its way. */
const MAX_FACTOR = 3;
const SLACK = 20_000;

/**
 * A relay that turns on whom it serves: it passes on what goes between a sender
 * and a receiver until so many bytes went, and then says in the receiver's name
 * that it is somewhere else.
 */
class Traitor {
  /** Bytes that arrived at the victim's address. */
  atVictim = 0;
  /** Bytes said to the sender after the betrayal. */
  spent = 0;
  /** Bytes that the sender had sent. */
  passed = 0;
  readonly #relay: Relay;
  readonly #victim = udpSocket("127.0.0.66");
  readonly #counting: Promise<void>;
  #closed = false;
  #last: ReturnType<typeof draftOf> | undefined;
  #lastUp: ReturnType<typeof draftOf> | undefined;

  constructor(receiverPort: number, readonly turnsAt: number) {
    this.#counting = this.#count();
    this.#relay = Relay.start({
      to: { hostname: "127.0.0.1", port: receiverPort },
      onDatagram: (datagram, direction) => {
        if (this.turned) return;
        const draft = draftOf(datagram);
        if (direction === "down") this.#last = draft;
        else {
          this.#lastUp = draft;
          this.passed += datagram.length;
        }
        if (this.turned) this.#relay.darken();
      },
    });
  }

  get port(): number {
    return this.#relay.port;
  }

  get turned(): boolean {
    return this.passed > this.turnsAt;
  }

  async #count(): Promise<void> {
    const into = new Uint8Array(65_536);
    try {
      for (;;) {
        const [datagram] = await this.#victim.receive(into);
        this.atVictim += datagram.length;
      }
    } catch {
      // Closed
    }
  }

  /**
   * Says, as though from the victim, that the connection is there now, and then
   * goes on acknowledging blindly what should have arrived there by then.
   *
   * @param rate bytes acknowledged for each millisecond
   */
  async betray(rate: number, milliseconds: number): Promise<void> {
    const { id: name, ack, packetNumber, seq } = this.#last!;
    const up = this.#lastUp!;
    const id = { id: name, flags: Flag.ACK, seq, window: 2 ** 25 };
    const first = { start: up.packetNumber, seq: up.seq + up.payload.length };
    const size = Math.max(up.payload.length, 1_000);
    const start = performance.now();
    let next = 2 ** 40;
    let own = packetNumber + 1;
    while (performance.now() - start < milliseconds && !this.#closed) {
      const guess = Math.floor(rate * (performance.now() - start) / size);
      const draft = {
        ...id,
        ack: Math.max(ack, first.seq),
        blocks: [[first.start, first.start + 1 + guess]] as const,
      };
      // In the victim's name only what moves it: the rest may come from anywhere
      const moving = own === packetNumber + 1;
      const datagram = datagramOf({
        ...draft,
        packetNumber: moving ? next++ : own,
        ack: draft.ack + guess * size,
      });
      own++;
      this.spent += datagram.length;
      const { client } = this.#relay;
      await (moving
        ? this.#victim.send(datagram, client!).catch(() => {})
        : this.#relay.say(datagram));
      await pause(10);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#victim.close();
    await Promise.all([this.#relay.close(), this.#counting]);
  }
}

for (const rate of FULL ? [20, 100, 500, 2_000] : [100, 1_000]) {
  test(`a receiver that claims to have moved and acknowledges blindly, ${rate} bytes a ms, does not make a sender flood a third party`, async (cwd) => {
    await Deno.writeFile(`${cwd}/in`, bytesOf(100_000_000));
    await using received = await receiver([], {
      cwd,
      shell: 'exec "$@" > out',
    });
    const traitor = new Traitor(received.port, 2_000_000);
    const args = ["in", "--timeout", "5", "--rate", "40"];
    await using sent = sender(traitor.port, args, { cwd });
    await until(() => traitor.turned);
    await traitor.betray(rate, FULL ? 8_000 : 4_000);
    await pause(500);
    const { atVictim, spent } = traitor;
    await traitor.close();
    assert(
      atVictim <= MAX_FACTOR * spent + SLACK,
      `${spent} bytes bought ${atVictim} at the victim`,
    );
    await sent.stop();
  });
}
