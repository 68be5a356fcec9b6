import type { Prng } from "../../lib/base/prng.ts";

/** Values at which something may turn. */
const EDGES = [0, 1, 2, 15, 16, 17, 31, 32, 63, 64, 127, 128, 255];
/** Bytes of what is made, at most. */
const MAX_LENGTH = 1 << 20;

/** A mutant of one of `samples`: a few changes, of which some take after the others. */
export function mutant(random: Prng, samples: Uint8Array[]): Uint8Array {
  const pick = () => samples[random.int(samples.length)]!;
  let bytes = pick().slice();
  // Now and then nothing is changed: then all has to go well.
  for (let more = random.int(4); more > 0; more--) {
    bytes = change(random, bytes, pick);
  }
  return bytes.subarray(0, MAX_LENGTH);
}

function change(
  random: Prng,
  bytes: Uint8Array<ArrayBuffer>,
  pick: () => Uint8Array,
): Uint8Array<ArrayBuffer> {
  // What is at the beginning decides what the rest means.
  const reach = random.int(2) === 0 ? Math.min(40, bytes.length) : bytes.length;
  const at = random.int(reach + 1);
  switch (random.int(9)) {
    case 0:
      bytes[at]! ^= 1 << random.int(8);
      return bytes;
    case 1:
      bytes[at] = EDGES[random.int(EDGES.length)]!;
      return bytes;
    case 2:
      bytes[at]! += random.int(7) - 3;
      return bytes;
    case 3:
      return bytes.slice(0, at);
    case 4:
      return joined(bytes.subarray(0, at), random.bytes(random.int(40)))
        .slice(0, MAX_LENGTH);
    case 5:
      return joined(
        bytes.subarray(0, at),
        random.bytes(1 + random.int(8)),
        bytes.subarray(at),
      );
    case 6:
      return joined(
        bytes.subarray(0, at),
        bytes.subarray(at + 1 + random.int(40)),
      );
    case 7: {
      // Something that was said comes again.
      const again = bytes.subarray(at, at + random.int(300));
      return joined(bytes.subarray(0, at), again, bytes.subarray(at));
    }
    default: {
      const other = pick();
      const from = other.subarray(random.int(other.length + 1));
      return joined(bytes.subarray(0, at), from);
    }
  }
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
