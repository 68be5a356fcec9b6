import { assertEquals, assertMatch } from "@std/assert";
import { eventsOf, Ferry } from "../../support/ferry.ts";
import { inDirectory, sameFiles, writeRandomFile } from "../../support/fs.ts";
import { type Machine, Machines } from "../../support/machines/namespaces.ts";
import { NAMESPACES, testWith } from "../../support/needs.ts";

const CODE = "17-walnut-copper-lagoon";
const POINT = "fd00::9";

/** Machines on one network, with addresses of IPv6 only. */
async function onOneNetwork(
  machines: Machines,
  addresses: Readonly<Record<string, string>>,
): Promise<Machine[]> {
  const network = await machines.add("net");
  await network.ip("link add bridge type bridge");
  await network.ip("link set bridge up");
  const all: Machine[] = [];
  for (const [name, address] of Object.entries(addresses)) {
    const machine = await machines.add(name);
    await machines.connect([machine, "eth0"], [network, name]);
    await network.ip(`link set ${name} master bridge`);
    await machine.ip(`addr add ${address}/64 dev eth0 nodad`);
    all.push(machine);
  }
  return all;
}

testWith(
  [NAMESPACES],
  "at a meeting point with an IPv6 address two are met, and find the direct path by IPv6",
  () =>
    inDirectory(async (path) => {
      await writeRandomFile(`${path}/photo.raw`, 4_000_000);
      await Deno.mkdir(`${path}/in`);
      await using machines = new Machines();
      const addresses = { vps: POINT, home: "fd00::1", work: "fd00::2" };
      const [vps, a, b] = await onOneNetwork(machines, addresses);
      const meet = new Ferry(["meet", "--json"], vps!.place);
      const receiver = new Ferry(
        [
          ...["receive", "--meet", `[${POINT}]:5050`, `--code=${CODE}`],
          ...["-d", `${path}/in`, "--json"],
        ],
        b!.place,
      );
      const sender = new Ferry(
        [
          ...["send", "--meet", POINT, "--json", "--rate", "30"],
          `${path}/photo.raw`,
        ],
        { ...a!.place, env: { FERRY_CODE: CODE } },
      );
      const outcomes = [await sender.ended, await receiver.ended];
      meet.kill("SIGTERM");
      const { stderr, code } = await meet.ended;
      assertEquals(code, 0);
      assertMatch(stderr, /"event":"pair".*"\[fd00::1\]:/);
      for (const [index, { code, stderr }] of outcomes.entries()) {
        assertEquals(code, 0, stderr);
        const peer = index === 0 ? "fd00::2" : "fd00::1";
        const paths = eventsOf({ stderr })
          .filter(({ event }) => event === "path");
        assertEquals(
          paths.map(({ direct, through }) => [direct, through]),
          [[false, POINT], [true, POINT]],
        );
        assertMatch(`${paths[1]?.address}`, new RegExp(`^\\[${peer}\\]:`));
      }
      assertEquals(
        await sameFiles(`${path}/photo.raw`, `${path}/in/photo.raw`),
        true,
      );
    }),
);
