import { abortable, firstOf } from "../../base/async.ts";
import { Failure } from "../../base/failure.ts";
import type { Channel } from "../../endpoint/channel.ts";
import type { Endpoint } from "../../endpoint/endpoint.ts";
import type { Incoming } from "../../endpoint/incoming.ts";
import { formatAddress } from "../../endpoint/socket/address.ts";
import { CandidateExchange } from "../../meet/candidate_exchange.ts";
import { MeetClient, type MeetEvent } from "../../meet/meet_client.ts";
import { CLIENT_ID_SIZE, type MeetRefusal } from "../../meet/messages.ts";
import {
  type Address,
  isSameAddress,
} from "../../protocol/connection/address.ts";
import { normalCode, numberOf } from "../../secure/code/code.ts";
import type { Connected } from "../sending/connect.ts";
import type { EventData, OnEvent } from "../events.ts";
import type { Checked, WantedSecurity } from "../options.ts";
import type { Admission, Admitted } from "../receiving/admission.ts";
import { MEET_PORT, type MeetingPoint } from "./meeting_point.ts";
import { ownAddresses } from "./own_addresses.ts";

/** Settings of a {@linkcode Rendezvous}. */
interface RendezvousOptions {
  readonly role: "sender" | "receiver";
  /** The number of the code; 0 for any. */
  readonly number: number;
  /** The address that the endpoint is bound to, if any. */
  readonly bind: string | undefined;
  readonly on: OnEvent;
  readonly signal: AbortSignal;
  /** Milliseconds after which it gives up if nothing comes of it. */
  readonly limit: number;
}

/** Milliseconds until somebody who had a wrong code may be followed by the next. */
const REOPEN_DELAY = 2000;
/** Milliseconds in which a direct path has to be found where nothing else is relayed. */
const DIRECT_TIMEOUT = 10_000;
/** Milliseconds by which the sender waits longer for it: the receiver ends both. */
const SENDER_EXTRA = 3000;

/** Meets the other side at a host that both reach, and finds a direct path to it. */
export class Rendezvous implements Disposable {
  readonly #endpoint: Endpoint;
  readonly #point: MeetingPoint;
  readonly #options: RendezvousOptions;
  readonly #address: Deno.NetAddr;
  readonly #client: MeetClient<Deno.NetAddr>;
  readonly #number = Promise.withResolvers<number>();
  readonly #validated = Promise.withResolvers<void>();
  readonly #failed = new AbortController();
  /** Aborted when it has failed, or the session ends. */
  readonly #over: AbortSignal;
  readonly #told = new Set<string>();
  /** Where this side is seen. */
  #seen: Address | undefined;
  #relays = true;
  #lastRefusal: Exclude<MeetRefusal, "token"> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reopening: ReturnType<typeof setTimeout> | undefined;

  private constructor(
    endpoint: Endpoint,
    point: MeetingPoint,
    address: Deno.NetAddr,
    options: RendezvousOptions,
  ) {
    const { role, number } = options;
    this.#endpoint = endpoint;
    this.#point = point;
    this.#address = address;
    this.#options = options;
    this.#over = firstOf([options.signal, this.#failed.signal]);
    this.#client = new MeetClient({
      role,
      number,
      meet: address,
      token: point.token,
      id: crypto.getRandomValues(new Uint8Array(CLIENT_ID_SIZE)),
      on: (event) => this.#take(event),
    });
    this.#timer = setTimeout(() => this.#giveUp(), options.limit);
    endpoint.attach(this.#client);
  }

  /**
   * Asks the meeting point of the options for a place, or for the receiver that has
   * one.
   *
   * @throws {Failure} if its host has no address that can be used, or the code no
   * number
   */
  static async open(
    endpoint: Endpoint,
    role: "sender" | "receiver",
    wanted: WantedSecurity,
    options: Checked & { readonly wait?: number | undefined },
  ): Promise<Rendezvous> {
    const { meet: point, bind, on, signal, wait = Infinity } = options;
    if (point === undefined) throw new TypeError("Nowhere to meet");
    if (wanted.mode !== "code") throw new Failure({ code: "meet-needs-code" });
    const { code } = wanted;
    const number = code === undefined ? 0 : numberOf(normalCode(code));
    if (code !== undefined && number === 0) {
      throw new Failure({ code: "code-without-number" });
    }
    const { host, port = MEET_PORT } = point;
    const address = await endpoint.resolve(host, port, signal);
    // A receiver's limit is for senders
    const limit = role === "sender"
      ? Math.min(wait, endpoint.timeout)
      : endpoint.timeout;
    const details = { role, number, bind, on, signal, limit };
    return new Rendezvous(endpoint, point, address, details);
  }

  /**
   * The number under which this receiver waits.
   *
   * @throws {Failure} `meet-silent` or `meet-refused`
   */
  async place(): Promise<number> {
    return await abortable(this.#number.promise, this.#over);
  }

  #take(event: MeetEvent): void {
    switch (event.type) {
      case "validated":
        return this.#validated.resolve();
      case "place":
        this.#told.clear();
        clearTimeout(this.#timer);
        this.#seen = event.seen;
        return this.#number.resolve(event.number);
      case "bound":
        clearTimeout(this.#timer);
        this.#seen = event.seen;
        this.#relays = event.relays;
        // A sender was brought here before PLACE came, which may be lost
        return this.#number.resolve(event.number);
      case "silent":
        return this.#tell("silent");
      case "refused": {
        const { reason } = event;
        if (reason === "token") {
          const meet = this.#name;
          this.#failed.abort(
            new Failure({ code: "meet-refused", meet, reason }),
          );
          return;
        }
        this.#lastRefusal = reason;
        this.#tell(reason);
      }
    }
  }

  get #name(): string {
    const { host, port = MEET_PORT } = this.#point;
    return port === MEET_PORT ? host : formatAddress(host, port);
  }

  #tell(reason: EventData["meet-waiting"]["reason"]): void {
    if (this.#told.has(reason)) return;
    this.#told.add(reason);
    this.#options.on({ type: "meet-waiting", meet: this.#name, reason });
  }

  #giveUp(): void {
    const meet = this.#name;
    const reason = this.#lastRefusal;
    const seconds = this.#options.limit / 1000;
    // The number may yet become free
    if (reason === "taken") return;
    this.#failed.abort(
      new Failure(
        reason === undefined
          ? { code: "meet-silent", meet, seconds }
          : { code: "meet-refused", meet, reason },
      ),
    );
  }

  /**
   * Opens a connection to the receiver. What it sends follows the request for the
   * number at once, so it costs one round trip to the meeting point.
   *
   * @throws {Failure} `meet-silent` or `meet-refused`
   */
  async connect(): Promise<Channel> {
    await abortable(this.#validated.promise, this.#over);
    const channel = this.#endpoint.connectTo(this.#address);
    channel.relay(this.#name);
    const { signal } = this.#failed;
    const abort = () => channel.abort(signal.reason as Failure);
    signal.addEventListener("abort", abort, { once: true });
    const done = () => signal.removeEventListener("abort", abort);
    channel.established.then(done, done);
    if (signal.aborted) abort();
    return channel;
  }

  /** Judges connections as `admission` does; who comes by the meeting point is followed from there. */
  admissionOf(admission: Admission): Pick<Admission, "over" | "admit"> {
    return {
      over: firstOf([admission.over, this.#failed.signal]),
      admit: (incoming) => this.#admit(incoming, admission),
    };
  }

  async #admit(incoming: Incoming, admission: Admission): Promise<Admitted> {
    const { channel } = incoming;
    const isRelayed = isSameAddress(channel.address, this.#address);
    if (!isRelayed) return await admission.admit(incoming);
    channel.relay(this.#name);
    try {
      const admitted = await admission.admit(incoming);
      this.#client.leave(false);
      this.#endpoint.flush();
      this.#follow(channel, admitted.candidateSecret, { role: "server" });
      return admitted;
    } catch (failure) {
      this.#reopening = setTimeout(() => {
        this.#client.reopen(performance.now());
        this.#endpoint.flush();
      }, REOPEN_DELAY);
      throw failure;
    }
  }

  /** Tells the peer where this side may be reached, and looks for a direct path. */
  #follow(
    channel: Channel,
    secret: Uint8Array | undefined,
    { role, onDirect }: {
      readonly role: "client" | "server";
      readonly onDirect?: () => void;
    },
  ): void {
    if (secret === undefined) return;
    const { on, bind } = this.#options;
    const { port } = this.#endpoint;
    const own = ownAddresses(bind).map((hostname) => ({ hostname, port }));
    const exchange = new CandidateExchange<Deno.NetAddr>({
      role,
      secret,
      connection: channel.connectionId,
      relay: this.#address,
      candidates: this.#seen === undefined ? own : [this.#seen, ...own],
      onCandidates: (candidates) => channel.tryDirectly(candidates),
    });
    this.#endpoint.attach(exchange);
    const tell = () => {
      const { path } = channel;
      if (path === undefined) return;
      on({ type: "path", ...path, peer: channel.peer });
      if (path.direct) onDirect?.();
    };
    channel.onMoved = tell;
    tell();
    const limit = DIRECT_TIMEOUT + (role === "client" ? SENDER_EXTRA : 0);
    const timer = this.#relays ? undefined : setTimeout(() => {
      if (!channel.path?.direct) channel.abort(this.#noDirectPath(channel));
    }, limit);
    const over = () => {
      this.#endpoint.detach(exchange);
      clearTimeout(timer);
    };
    channel.closed.then(over, over);
  }

  #noDirectPath({ peer }: Channel): Failure {
    return new Failure({ code: "no-direct-path", meet: this.#name, peer });
  }

  /**
   * Follows the receiver once it has authenticated.
   *
   * @returns resolves once content may leave: where it is not relayed, on a direct
   * path
   */
  async begin(
    { channel, candidateSecret, confirmed }: Connected,
  ): Promise<void> {
    const found = Promise.withResolvers<void>();
    found.promise.catch(() => {});
    let begun = Infinity;
    confirmed.then(() => {
      begun = performance.now();
      this.#follow(channel, candidateSecret, {
        role: "client",
        onDirect: found.resolve,
      });
    }).catch(found.reject);
    channel.closed.catch((failure) => {
      const isLate = performance.now() - begun > DIRECT_TIMEOUT - SENDER_EXTRA;
      const isStopped = failure instanceof Failure &&
        failure.detail.code === "peer-stopped";
      // The receiver has waited as long, and told of it by stopping
      const isReason = isLate && isStopped && !channel.path?.direct;
      found.reject(isReason ? this.#noDirectPath(channel) : failure);
    });
    if (!this.#relays) await found.promise;
  }

  /** Leaves the meeting point. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#reopening);
    this.#client.leave(true);
    this.#endpoint.flush();
  }
}
