import type { StartOptions } from "../ferry.ts";

/** Runs a program to its end. @throws what it said, if it failed */
export async function run(command: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args })
    .output();
  if (success) return new TextDecoder().decode(stdout);
  const said = new TextDecoder().decode(stderr);
  throw new Error(`${command} ${args.join(" ")}: ${said}`);
}

/** A machine, as a network namespace. */
export class Machine {
  /** The name of the namespace. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Runs iproute2's `ip` for it. */
  async ip(words: string): Promise<void> {
    await run("ip", "-n", this.name, ...words.split(" "));
  }

  /** Runs a program on it to its end. */
  async run(words: string): Promise<string> {
    return await run("ip", ...this.command(words.split(" ")));
  }

  /** The arguments of `ip` that run a command on it. */
  command(words: readonly string[]): string[] {
    return ["netns", "exec", this.name, ...words];
  }

  /** The UDP ports that are bound on it, each as often as it is. */
  async udpPorts(): Promise<number[]> {
    const sockets = await this.run("cat /proc/net/udp /proc/net/udp6");
    return Array.from(
      sockets.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) /gm),
      ([, port = ""]) => parseInt(port, 16),
    );
  }

  /** How a ferry is started on it. */
  get place(): StartOptions {
    return { shell: `exec ip netns exec ${this.name} "$@"` };
  }
}

/** Machines in network namespaces, until they are disposed of. */
export class Machines implements AsyncDisposable {
  // Tests that run beside this one are of the same process
  readonly #prefix = `ferry-${crypto.randomUUID().slice(0, 8)}`;
  readonly #names: string[] = [];

  /** Makes a machine with nothing but a loopback interface. */
  async add(name: string): Promise<Machine> {
    const full = `${this.#prefix}-${name}`;
    await run("ip", "netns", "add", full);
    this.#names.push(full);
    const machine = new Machine(full);
    await machine.ip("link set lo up");
    return machine;
  }

  /** Connects an interface of one machine with one of another. */
  async connect(
    [one, name]: [Machine, string],
    [other, otherName]: [Machine, string],
  ): Promise<void> {
    await one.ip(
      `link add ${name} type veth peer name ${otherName} netns ${other.name}`,
    );
    await one.ip(`link set ${name} up`);
    await other.ip(`link set ${otherName} up`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#names) await run("ip", "netns", "del", name);
  }
}

/** Whether that is possible here. */
export async function canMakeNamespaces(): Promise<boolean> {
  try {
    await using machines = new Machines();
    const [one, other] = [await machines.add("x"), await machines.add("y")];
    await machines.connect([one, "e"], [other, "e"]);
    await one.run("true");
    return true;
  } catch {
    return false;
  }
}
