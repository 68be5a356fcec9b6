import { assertEquals } from "@std/assert";
import { Prng } from "../../../lib/base/prng.ts";
import { firstDatagram } from "../../../lib/protocol/wire/datagram_prefix.ts";
import {
  decodeSegment,
  MIN_HEADER_SIZE,
  Segment,
} from "../../../lib/protocol/wire/segment.ts";
import {
  decodeSideDatagram,
  encodeSideDatagram,
  SideMark,
} from "../../../lib/protocol/wire/side_datagram.ts";

const { MEET, NEAR } = SideMark;
const BODY = Uint8Array.of(1, 2, 3);

Deno.test("a datagram of another protocol is read as it was written, padding behind it", () => {
  const datagram = encodeSideDatagram(MEET, { kind: 7, body: BODY }, 20);
  assertEquals(datagram.length, 20);
  const read = decodeSideDatagram(MEET, datagram);
  assertEquals(read?.kind, 7);
  assertEquals(read?.body, Uint8Array.of(1, 2, 3, ...new Uint8Array(9)));
});

Deno.test("a datagram of another protocol, of another length, damaged or too short is none (P-17)", () => {
  const datagram = encodeSideDatagram(MEET, { kind: 7, body: BODY });
  assertEquals(decodeSideDatagram(NEAR, datagram), undefined);
  assertEquals(
    decodeSideDatagram(MEET, Uint8Array.of(...datagram, 0)),
    undefined,
  );
  for (let at = 0; at < datagram.length; at++) {
    const damaged = datagram.slice();
    damaged[at]! ^= 1;
    assertEquals(decodeSideDatagram(MEET, damaged), undefined);
    assertEquals(decodeSideDatagram(MEET, datagram.slice(0, at)), undefined);
  }
});

Deno.test("a datagram of another protocol is never taken for a segment, whatever it carries", () => {
  const prng = new Prng(1);
  for (let size = 0; size < 200; size++) {
    const body = prng.bytes(size);
    const datagram = encodeSideDatagram(NEAR, { kind: size, body });
    const verdict = decodeSegment(datagram, new Segment());
    const isShort = datagram.length < MIN_HEADER_SIZE;
    assertEquals(verdict, isShort ? "too short" : "not ferry");
  }
});

Deno.test("where a datagram of another protocol ends is found when a kernel has joined several", () => {
  const datagram = encodeSideDatagram(MEET, { kind: 1, body: BODY });
  assertEquals(firstDatagram(datagram), datagram.length);
  const joined = Uint8Array.of(...datagram, ...datagram);
  assertEquals(firstDatagram(joined), datagram.length);
  assertEquals(firstDatagram(datagram.subarray(0, 5)), 5);
});
