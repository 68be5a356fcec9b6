import { assert, assertEquals, assertMatch } from "@std/assert";
import { type Event, eventsOf, Ferry } from "../../support/ferry.ts";
import { QUESTION_PORT } from "../../../lib/endpoint/near/group.ts";
import {
  inDirectory,
  sameFiles,
  staged,
  writeRandomFile,
} from "../../support/fs.ts";
import {
  type Homes,
  IPV6,
  makeHomes,
  makeIpv6Homes,
  PUBLIC,
  type Router,
} from "../../support/machines/homes.ts";
import { Machines } from "../../support/machines/namespaces.ts";
import { NAMESPACES, program, testWith } from "../../support/needs.ts";
import { grown, until } from "../../support/wait.ts";

const NEEDS = [NAMESPACES, await program("nft")];
/** Pairs of routers that have a direct path; of all others nobody gets through. */
const DIRECT = new Set([
  ...["none none", "none cone", "none full", "none hard", "cone cone"],
  ...["cone full", "full full", "full hard"],
]);
const ROUTERS: readonly Router[] = ["none", "cone", "full", "hard", "shut"];

/** A meeting point, a receiver that waits there, and what comes of a sender. */
class Meeting {
  readonly homes: Homes;
  readonly #path: string;
  /** The address of the meeting point. */
  readonly #point: string;
  meet: Ferry;
  readonly receiver: Ferry;
  readonly code = "17-walnut-copper-lagoon";

  private constructor(
    homes: Homes,
    path: string,
    { point, args }: { point: string; args: string[] },
  ) {
    this.homes = homes;
    this.#path = path;
    this.#point = point;
    this.meet = this.startMeet(args);
    this.receiver = new Ferry(
      [
        ...["receive", "--meet", point, `--code=${this.code}`],
        ...["-d", `${path}/in`, "--json"],
      ],
      homes.b.place,
    );
  }

  /** Registers a test of one, with `args` for the meeting point and a file of `size` bytes. */
  static test(
    name: string,
    routers: readonly [Router, Router] | "IPv6",
    test: (meeting: Meeting) => Promise<void>,
    { size = 2_000_000, args = [] as string[] } = {},
  ): void {
    testWith(NEEDS, name, () =>
      inDirectory(async (path) => {
        await writeRandomFile(`${path}/photo.raw`, size);
        await Deno.mkdir(`${path}/in`);
        await using machines = new Machines();
        const isIPv6 = routers === "IPv6";
        const homes = isIPv6
          ? await makeIpv6Homes(machines)
          : await makeHomes(machines, { a: routers[0], b: routers[1] });
        const point = isIPv6 ? IPV6.vps : PUBLIC;
        const meeting = new Meeting(homes, path, { point, args });
        try {
          await test(meeting);
        } finally {
          for (const each of [meeting.meet, meeting.receiver]) {
            try {
              each.kill("SIGTERM");
            } catch {
              // It has ended
            }
            await each.ended;
          }
        }
      }));
  }

  startMeet(args: string[] = []): Ferry {
    return new Ferry(["meet", "--json", ...args], this.homes.vps.place);
  }

  send(args: string[] = []): Ferry {
    const path = `${this.#path}/photo.raw`;
    const command = ["send", "--meet", this.#point, "--json", ...args, path];
    return new Ferry(command, {
      ...this.homes.a.place,
      env: { FERRY_CODE: this.code },
    });
  }

  /** Waits until the receiver has its place: then it answers on its own network, too. */
  async placed(): Promise<void> {
    await until(
      async () => (await this.homes.b.udpPorts()).includes(QUESTION_PORT),
      this.receiver,
    );
  }

  /** Waits until so many bytes are stored. */
  async stored(bytes: number): Promise<void> {
    const path = () => staged(`${this.#path}/in`, "photo.raw");
    await grown(path, bytes, this.receiver);
  }

  /** Waits until both have ended well, and the content has arrived. @returns events of the sender and the receiver */
  async arrives(sender: Ferry): Promise<[Event[], Event[]]> {
    // A receiver goes on waiting if its sender has failed
    const sent = await sender.ended;
    assertEquals(sent.code, 0, sent.stderr);
    const received = await this.receiver.ended;
    assertEquals(received.code, 0, received.stderr);
    const path = this.#path;
    assert(await sameFiles(`${path}/photo.raw`, `${path}/in/photo.raw`));
    return [eventsOf(sent), eventsOf(received)];
  }

  /** Ends the meeting point. @returns what it tells of its only pair */
  async pair(): Promise<Event> {
    this.meet.kill("SIGTERM");
    const ended = await this.meet.ended;
    assertEquals(ended.code, 0);
    const pairs = eventsOf(ended).filter(({ event }) => event === "pair");
    assertEquals(pairs.length, 1);
    return pairs[0]!;
  }
}

/** Whether it was direct, at each change. */
function pathsIn(events: readonly Event[]): unknown[] {
  return events.filter(({ event }) => event === "path")
    .map(({ direct }) => direct);
}

for (const [index, one] of ROUTERS.entries()) {
  for (const other of ROUTERS.slice(index)) {
    const isDirect = DIRECT.has(`${one} ${other}`);
    const how = isDirect ? "directly" : "by the relay";
    Meeting.test(
      `routers ${one} and ${other}: it arrives ${how}`,
      [one, other],
      async (meeting) => {
        // At a rate that leaves time to find the path
        const sender = meeting.send(["--rate", "30"]);
        for (const events of await meeting.arrives(sender)) {
          const { direct, through } = events.at(-1)!;
          assertEquals([direct, through], [isDirect, PUBLIC]);
        }
        const { number, met, bytes } = await meeting.pair();
        assertEquals([number, met], [17, true]);
        assert(isDirect || Number(bytes) > 2_000_000, `${bytes}`);
      },
    );
  }
}

Meeting.test(
  "at a meeting point with an IPv6 address two are met, and find the direct path by IPv6",
  "IPv6",
  async (meeting) => {
    const [sent, received] = await meeting.arrives(
      meeting.send(["--rate", "30"]),
    );
    assertMatch(`${(await meeting.pair()).sender}`, /^\[fd00::1\]:/);
    for (
      const [events, peer] of [[sent, IPV6.b], [received, IPV6.a]] as const
    ) {
      const paths = events.filter(({ event }) => event === "path");
      assertEquals(
        paths.map(({ direct, through }) => [direct, through]),
        [[false, IPV6.vps], [true, IPV6.vps]],
      );
      assertMatch(`${paths[1]?.address}`, new RegExp(`^\\[${peer}\\]:`));
    }
  },
);

Meeting.test(
  "a direct path that dies in mid-transfer gives way to the relay, and comes back",
  ["none", "cone"],
  async (meeting) => {
    const sender = meeting.send(["--rate", "10"]);
    await meeting.stored(2_000_000);
    await meeting.homes.block(true);
    await meeting.stored(6_000_000);
    await meeting.homes.block(false);
    for (const events of await meeting.arrives(sender)) {
      const paths = pathsIn(events);
      assertEquals(paths.slice(0, 3), [false, true, false]);
    }
  },
  { size: 12_000_000 },
);

Meeting.test(
  "a direct path that comes up later is taken",
  ["cone", "cone"],
  async (meeting) => {
    await meeting.homes.block(true);
    const sender = meeting.send(["--rate", "10"]);
    await meeting.stored(2_000_000);
    await meeting.homes.block(false);
    for (const events of await meeting.arrives(sender)) {
      assertEquals(pathsIn(events), [false, true]);
    }
  },
  { size: 20_000_000 },
);

Meeting.test(
  "a meeting point that dies in mid-transfer does not disturb a direct pair",
  ["cone", "none"],
  async (meeting) => {
    const sender = meeting.send(["--rate", "20"]);
    await meeting.stored(3_000_000);
    meeting.meet.kill("SIGKILL");
    for (const events of await meeting.arrives(sender)) {
      assertEquals(pathsIn(events), [false, true]);
    }
  },
  { size: 10_000_000 },
);

Meeting.test(
  "a receiver that waits comes back by itself when the meeting point was restarted",
  ["none", "cone"],
  async (meeting) => {
    await meeting.placed();
    meeting.meet.kill("SIGKILL");
    await meeting.meet.ended;
    meeting.meet = meeting.startMeet();
    await meeting.arrives(meeting.send());
  },
);

Meeting.test(
  "a wrong code costs a guess, and the receiver waits again under its number",
  ["none", "none"],
  async (meeting) => {
    await meeting.placed();
    const wrong = meeting.send(["--code=17-wrong-code-altogether"]);
    const { code } = await wrong.ended;
    assertEquals(code, 3);
    const [, events] = await meeting.arrives(meeting.send());
    const refused = events.filter(({ code }) => code === "not-admitted");
    assertEquals(refused.length, 1);
  },
);

Meeting.test(
  "a sender without the token is refused, with it the receiver is met",
  ["none", "none"],
  async (meeting) => {
    const { code, stderr } = await meeting.receiver.ended;
    assertEquals(code, 1);
    assertMatch(stderr, /wants a token/);
    const receiver = new Ferry(
      `receive --meet ${PUBLIC} --token x --code=5-a-b -o -`.split(" "),
      meeting.homes.b.place,
    );
    const without = meeting.send(["--code=5-a-b"]);
    assertEquals((await without.ended).code, 1);
    const sender = meeting.send(["--code=5-a-b", "--token=x"]);
    assertEquals((await sender.ended).code, 0);
    assertEquals((await receiver.ended).stdout.length, 2_000_000);
  },
  { args: ["--token", "x"] },
);

Meeting.test("with --no-relay content takes the direct path only", [
  "cone",
  "cone",
], async (meeting) => {
  await meeting.arrives(meeting.send());
  assert(Number((await meeting.pair()).bytes) < 65_536);
}, { args: ["--no-relay"] });

Meeting.test(
  "with --no-relay both sides are told when there is no direct path",
  ["cone", "hard"],
  async (meeting) => {
    const ended = [meeting.send().ended, meeting.receiver.ended];
    for (const { code, stderr } of await Promise.all(ended)) {
      assertEquals(code, 1);
      assertMatch(stderr, /"code":"no-direct-path"/);
    }
  },
  { args: ["--no-relay"] },
);
