import { assert, assertEquals } from "@std/assert";
import { cLibrary } from "../../lib/system/c_library.ts";
import {
  type DatagramFilter,
  filterProgram,
  FloodGate,
  SAMPLE,
} from "../../lib/endpoint/flood_gate.ts";
import { Socket } from "../../lib/endpoint/socket.ts";

// It stays open, once it is: that is no leak of the test which is first.
cLibrary();

const SERVED = { idHigh: 0x01234567, idLow: 0x89abcdef };

/** A kernel that only remembers what it was told. */
class Kernel implements DatagramFilter {
  program: Uint8Array | undefined;
  able = true;

  attachFilter(program: Uint8Array): boolean {
    if (this.able) this.program = program;
    return this.able;
  }

  detachFilter(): void {
    this.program = undefined;
  }
}

/** A gate after a second in which so many strays came. */
function afterSecond(rate: number, kernel = new Kernel()) {
  const gate = new FloodGate(kernel);
  gate.update(1_000, 0, SERVED);
  for (let at = 1; at <= 10; at++) {
    gate.update(1_000 + 100 * at, at * rate / 10, SERVED);
  }
  return { gate, kernel };
}

Deno.test("a few strays are looked at, a flood of them is left to the kernel", () => {
  assertEquals(afterSecond(1_000).kernel.program, undefined);
  assertEquals(afterSecond(50_000).kernel.program, filterProgram(SERVED));
});

Deno.test("the gate opens when the flood is over, as far as its sample shows", () => {
  const { gate, kernel } = afterSecond(50_000);
  gate.update(3_000, 50_000 + 50_000 / SAMPLE, SERVED);
  assert(kernel.program !== undefined);
  gate.update(4_000, 50_000 + 50_000 / SAMPLE + 10, SERVED);
  assertEquals(kernel.program, undefined);
});

Deno.test("the gate opens when there is no connection any more to keep the flood from", () => {
  const { gate, kernel } = afterSecond(50_000);
  gate.update(2_001, 50_000, undefined);
  assertEquals(kernel.program, undefined);
});

Deno.test("where the kernel does not filter, all goes on", () => {
  const kernel = new Kernel();
  kernel.able = false;
  const { gate } = afterSecond(50_000, kernel);
  gate.update(3_000, 50_000, SERVED);
  assertEquals(kernel.program, undefined);
});

for (const hostname of ["127.0.0.1", "::1"]) {
  Deno.test(`the kernel passes what bears the id, and a share of the rest (${hostname})`, async () => {
    const socket = Socket.bind(hostname, 0);
    const able = socket.attachFilter(filterProgram(SERVED));
    const sender = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    const to = { transport: "udp", hostname, port: socket.port } as const;
    const into = new Uint8Array(2_000);
    let strays = 0;
    const stray = new Uint8Array(100);
    const served = new Uint8Array(100);
    const view = new DataView(served.buffer);
    view.setUint32(8, SERVED.idHigh);
    view.setUint32(12, SERVED.idLow);
    for (let i = 0; i < 500; i++) {
      for (const datagram of [stray, stray.subarray(0, 10), served]) {
        await sender.send(datagram, to);
      }
      for (;;) {
        const [datagram] = await socket.receive(into);
        if (datagram[8] === 1) break;
        strays++;
      }
    }
    if (able) assert(strays < 100, `${strays} of 1000 came through`);
    else assertEquals(strays, 1_000);
    socket.detachFilter();
    await sender.send(stray, to);
    assertEquals((await socket.receive(into))[0], stray);
    socket.close();
    sender.close();
  });
}
