import { assertRejects } from "@std/assert";
import { Failure } from "../../lib/base/failure.ts";
import { Answers } from "../../lib/transfer/sending/answers.ts";
import { FrameType } from "../../lib/transfer/wire/frame.ts";
import { encodeFailure } from "../../lib/transfer/wire/reasons.ts";
import { memoryPair } from "../support/memory_stream.ts";

Deno.test("whoever waits for an answer hears of a refusal at once", async () => {
  const [sender, receiver] = memoryPair();
  const answers = new Answers(sender);
  const all = [
    answers.verdict,
    answers.acceptance,
    answers.offset(),
    answers.prefixDigest(),
  ];
  const refusals = all.map((one) =>
    assertRejects(() => one, Failure, "peer-refused")
  );
  await receiver.write(encodeFailure(FrameType.REFUSE, { code: "disk-full" }));
  await Promise.all(refusals);
});
