/**
 * Answers each question for a receiver in the name of many that are not there.
 *
 * Its argument is how many answers each question gets.
 */
import { decodeQuestion, encodeAnswer } from "../../../lib/near/message.ts";
import { GROUP_IPV4, QUESTION_PORT } from "../../../lib/endpoint/near/group.ts";

const [count] = Deno.args.map(Number);
const transport = "udp";
const group = Deno.listenDatagram({
  transport,
  hostname: "0.0.0.0",
  port: QUESTION_PORT,
  reuseAddress: true,
});
for (const { address, family } of Deno.networkInterfaces()) {
  if (family === "IPv4") {
    await group.joinMulticastV4(GROUP_IPV4, address).catch(() => {});
  }
}
const sockets = [1, 2, 3].map(() =>
  Deno.listenDatagram({ transport, hostname: "0.0.0.0", port: 0 })
);
console.log("ready");
for await (const [datagram, from] of group) {
  const question = decodeQuestion(datagram);
  if (question === undefined) continue;
  for (let i = 0; i < count!; i++) {
    const id = crypto.getRandomValues(new Uint8Array(8));
    const answer = encodeAnswer({ ...question, id });
    await sockets[i % sockets.length]!.send(answer, from);
  }
}
