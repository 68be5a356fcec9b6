import { assertRejects } from "@std/assert";
import { Failure } from "../../../lib/base/failure.ts";
import {
  type LockingChannel,
  type NameHolders,
  NameLock,
} from "../../../lib/session/receiving/name_locks.ts";
import type { ResolvedDestination } from "../../../lib/session/destination.ts";
import type { Sink } from "../../../lib/transfer/sink.ts";
import type { Owner } from "../../../lib/transfer/files/writing/target.ts";
import type { Offer } from "../../../lib/transfer/wire/messages.ts";

const MINE: Owner = { key: Uint8Array.of(1) };
const TIMES = { settle: 10, ping: 5 };
const DESTINATION: ResolvedDestination = {
  takesNames: true,
  pathFor: ({ names: [name] }) => name,
  open: () => Promise.resolve({} as Sink),
};

/** The connection of a sender that answers pings, or was killed. */
function channelOf(alive: boolean) {
  const closing = Promise.withResolvers<void>();
  const counters = { datagramsReceived: 0 };
  const channel = {
    closed: closing.promise,
    counters,
    ping: () => {
      if (alive) counters.datagramsReceived++;
    },
    abort: (failure: Error) => closing.reject(failure),
  } as unknown as LockingChannel;
  channel.closed.catch(() => {});
  return channel;
}

function fileOf(name: string): Offer {
  return { kind: "file", names: [name], count: 1 };
}

function treeOf(...names: string[]): Offer {
  return { kind: "tree", names, count: names.length };
}

/** Takes the names of an offer with the lock of a new transfer, which ends when its connection does. */
async function open(
  locks: NameHolders,
  offer: Offer,
  { owner = MINE, alive = true } = {},
) {
  const channel = channelOf(alive);
  const lock = new NameLock(locks, channel, TIMES);
  channel.closed.catch(() => lock[Symbol.dispose]());
  await lock.guard(DESTINATION).open(offer, owner);
  return lock;
}

Deno.test("trees that share a name exclude each other, whatever name they begin with", async () => {
  const locks: NameHolders = new Map();
  const first = await open(locks, treeOf("a", "photos"));
  await assertRejects(() => open(locks, treeOf("photos", "z")), Failure);
  await assertRejects(() => open(locks, fileOf("photos")), Failure);
  first[Symbol.dispose]();
  await open(locks, treeOf("photos", "z"));
});

Deno.test("trees that share no name do not exclude each other, nor do streams", async () => {
  const locks: NameHolders = new Map();
  await open(locks, treeOf("a", "b"));
  await open(locks, treeOf("c", "d"));
  await open(locks, { kind: "stream", names: [], count: 1 });
  await open(locks, { kind: "stream", names: [], count: 1 });
});

Deno.test("a sender that was killed gives way to the same one, at every name", async () => {
  const locks: NameHolders = new Map();
  await Promise.all([
    open(locks, fileOf("a"), { alive: false }),
    open(locks, fileOf("b"), { alive: false }),
  ]);
  await open(locks, treeOf("a", "b"));
});

Deno.test("a sender that was killed keeps its names against another owner", async () => {
  const locks: NameHolders = new Map();
  await open(locks, fileOf("a"), { alive: false });
  const owner: Owner = { key: Uint8Array.of(2) };
  await assertRejects(() => open(locks, fileOf("a"), { owner }), Failure);
});

Deno.test("a transfer that has ended while it waited for a name takes none", async () => {
  const locks: NameHolders = new Map();
  await open(locks, fileOf("a"), { alive: false });
  const lock = new NameLock(locks, channelOf(true), TIMES);
  const opening = lock.guard(DESTINATION).open(fileOf("a"), MINE);
  lock[Symbol.dispose]();
  await assertRejects(() => opening, Failure);
  await open(locks, fileOf("a"));
});
