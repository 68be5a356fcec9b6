import { assertRejects } from "@std/assert";
import { Failure } from "../../lib/base/failure.ts";
import { Answers } from "../../lib/transfer/sending/answers.ts";
import { FrameType } from "../../lib/transfer/wire/frame.ts";
import { encodeComplaint, Reason } from "../../lib/transfer/wire/messages.ts";
import { memoryPair } from "../support/memory_stream.ts";

Deno.test("whoever waits for an answer hears of a refusal at once", async () => {
  const [sender, receiver] = memoryPair();
  const answers = new Answers(sender);
  const all = [
    answers.verdict,
    answers.acceptance,
    answers.having(),
    answers.proof(),
  ];
  const refusals = all.map((one) =>
    assertRejects(() => one, Failure, "The receiver refused")
  );
  await receiver.write(encodeComplaint(FrameType.REFUSE, Reason.FULL));
  await Promise.all(refusals);
});
