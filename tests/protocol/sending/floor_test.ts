import { assert, assertEquals } from "@std/assert";
import { Flag } from "../../../lib/protocol/wire/segment.ts";
import { Link } from "../../net/link.ts";
import { draftOf } from "../../support/packets.ts";
import { peersOver } from "../support/peer.ts";

const BYTES = 3_000_000;

Deno.test("data segments say the floor as it advances, and nothing is cut into small pieces for it", () => {
  const conditions = { rate: 12_500, queue: 125_000, delay: 10, loss: 0.1 };
  const forward = new Link(conditions, 3);
  const backward = new Link({ delay: 10 }, 4);
  const { client, server, network } = peersOver(forward, backward, {
    bytes: BYTES,
  });
  let [first, floor, said, segments, small] = [0, 0, 0, 0, 0];
  network.onSighting = ({ what, from, datagram }) => {
    if (what !== "delivered" || from !== "client") return;
    const { flags, packetNumber, payload, ...rest } = draftOf(datagram);
    if (payload.length === 0 || flags & Flag.SYN) return;
    first ||= packetNumber;
    segments++;
    if (payload.length < 100) small++;
    if ((flags & Flag.FLOOR) === 0) return;
    assert(rest.floor >= floor && rest.floor <= packetNumber);
    floor = rest.floor;
    said++;
  };
  assert(network.run(60_000, () => client.ended && server.ended));
  assertEquals(server.read, BYTES);
  assert(said > 10 && said < segments / 20, `${said} of ${segments}`);
  assert(floor - first > segments / 2, `${floor - first} of ${segments}`);
  assert(small < 15, `${small} of ${segments}`);
});
