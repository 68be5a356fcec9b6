import { assert, assertEquals } from "@std/assert";
import { lineOf, measure } from "./measure.ts";
import { FULL } from "../../support/ferry.ts";
import { inDirectory, test } from "../../support/fs.ts";
import { FULL_RUN, testWith } from "../../support/needs.ts";

/**
 * Bytes by which a receiver's memory may grow, whatever strangers send. On a
 * machine that does much else, garbage is collected later.
 */
const MAX_GROWTH = FULL ? 32e6 : 64e6;
/** Milliseconds within which an honest sender with the right code is let in, where nothing else keeps the machine busy. */
const MAX_ENTRY = FULL ? 5_000 : 20_000;
const SECONDS = FULL ? 30 : 8;

type Runs = "always" | "full";
type Attack = [what: string, flood: string, runs: Runs];

/** Strangers a second who say nothing after their cookies, addresses they come from, and what rides on their SYNs. */
const SILENT: [number, number, string, Runs][] = [
  [20, 1, "", "full"],
  [100, 1, "", "always"],
  [400, 1, "", "full"],
  [1000, 1, "", "full"],
  [20, 500, "", "full"],
  [100, 500, "", "full"],
  [400, 500, " --hello code", "always"],
  [1000, 500, " --hello code", "full"],
];

/** What the flood is made of, in the words of its script, and whether all of it is part of every gate. */
const FLOODS: Attack[] = [
  ["SYNs of one address", "--rate 100", "full"],
  ["SYNs of many forged addresses", "--rate 1000 --sources 500", "always"],
  [
    "SYNs with a HELLO for the code, of many forged addresses",
    "--rate 1000 --sources 500 --hello code",
    "full",
  ],
  ...SILENT.map(([rate, sources, hello, when]): Attack => [
    `${rate} strangers a second who answer cookies and then are silent`,
    `--rate ${rate} --kind silent --cookies --sources ${sources}${hello}`,
    when,
  ]),
  [
    "1,000 strangers a second at many addresses who answer cookies and then say a byte now and then",
    "--rate 1000 --kind slow --cookies --sources 64",
    "full",
  ],
  [
    "400 strangers a second at many addresses who answer cookies and write all over their windows",
    "--rate 400 --kind scattered --cookies --sources 64 --hello encrypted",
    "always",
  ],
  ["forged SYNs and random bytes", "--rate 20000 --kind garbage", "always"],
  [
    "1,000 strangers a second at many addresses who answer cookies and leave",
    "--rate 1000 --kind reset --cookies --sources 64 --hello encrypted",
    "full",
  ],
  [
    "pairs of SYN and RST with a HELLO for the code",
    "--rate 600 --kind reset --hello code --sources 50",
    "always",
  ],
  [
    "3,000 pairs a second of SYN and RST with a HELLO for the code",
    "--rate 3000 --kind reset --hello code --sources 500",
    "full",
  ],
  [
    "bytes at the edges of windows, of forged addresses",
    "--rate 5 --kind edges",
    "always",
  ],
  [
    "bytes at the edges of windows, of addresses that answer cookies",
    "--rate 15 --kind edges --cookies --sources 32",
    "always",
  ],
];

for (const [what, flood, when] of FLOODS) {
  testWith(
    when === "full" ? FULL_RUN : [],
    `${what}: memory stays, and honest senders get in (${flood})`,
    () =>
      inDirectory(async (cwd) => {
        const measured = await measure(cwd, {
          flood: flood.split(" "),
          seconds: SECONDS,
          senders: 3,
          // What floods with most is to stop nothing that is on its way
          size: FULL ? 50_000_000 : flood.includes("garbage") ? 20e6 : 1_000,
        });
        const line = lineOf(measured);
        if (FULL) console.log(line);
        assert(measured.flood.syns > 0);
        assert(measured.memory.growth < MAX_GROWTH, line);
        assert(measured.flooded.every(Number.isFinite), line);
        assert(measured.entry.every((time) => time < MAX_ENTRY), line);
        // With a flood or without, what was stored is said to be
        const done = measured.said.filter((text) => text.includes('"done"'));
        assertEquals(done.length, 6, line);
        if (!FULL) return;
        assert(measured.slower < 2, line);
      }),
  );
}

test("with --keep and no code, strangers who answer cookies and are silent keep nobody out", async (cwd) => {
  const measured = await measure(cwd, {
    flood: "--rate 200 --kind silent --cookies --sources 100".split(" "),
    seconds: SECONDS,
    senders: 3,
    size: 1_000,
    code: false,
  });
  const line = lineOf(measured);
  assert(measured.memory.growth < MAX_GROWTH, line);
  assert(measured.flooded.every(Number.isFinite), line);
});
