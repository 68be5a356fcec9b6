import { assert, assertEquals } from "@std/assert";
import { assertDone } from "../../support/assertions.ts";
import { sendFiles } from "../../support/ferry.ts";
import { inDirectory, writeRandomFile } from "../../support/fs.ts";
import {
  readQlog,
  viewCongestion,
  viewSequence,
} from "../../cli/reporting/qlog.ts";

Deno.test("--report FILE.qlog writes what viewers of QUIC read, at either side", () =>
  inDirectory(async (cwd) => {
    const size = 2_000_000;
    await writeRandomFile(`${cwd}/in`, size);
    assertDone(
      await sendFiles(
        cwd,
        ["--report", "sent.qlog", "in"],
        { args: ["-d", "dir", "--report", "received.qlog"] },
      ),
    );
    const sent = readQlog(await Deno.readTextFile(`${cwd}/sent.qlog`));
    const received = readQlog(await Deno.readTextFile(`${cwd}/received.qlog`));
    assertEquals([sent.type, received.type], ["client", "server"]);
    // All of the content is in frames of the sender's stream
    for (
      const [log, name] of [[sent, "sent"], [received, "received"]] as const
    ) {
      const carried = log.named(`transport:packet_${name}`)
        .flatMap(({ data }) => data.frames)
        .reduce((sum, { length = 0 }) => sum + length, 0);
      assert(carried >= size, `${carried}`);
    }
    const congestion = viewCongestion(sent);
    assert(congestion.ackedBytes >= size, `${congestion.ackedBytes}`);
    for (const line of ["congestion_window", "bytes_in_flight", "latest_rtt"]) {
      assert(congestion.metrics.has(line), line);
    }
    const { bytes, latency } = viewSequence(sent, received);
    assert(bytes >= size, `${bytes}`);
    assert(latency > 0);
  }));
