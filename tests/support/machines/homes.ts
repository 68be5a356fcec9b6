import { type Machine, type Machines, run } from "./namespaces.ts";

/** What a router between a machine and the network does. */
export type Router =
  /** It routes: the machine has a public address. */
  | "none"
  /** One outer port whatever the destination; lets in only who was written to. */
  | "cone"
  /** The same, and lets in everybody at that port. */
  | "full"
  /** Another outer port for each destination. */
  | "hard"
  /** Answers only, and no UDP at all but to the public machine. */
  | "shut";

/** Where the public machine is. */
export const PUBLIC = "203.0.113.9";
const ROUTERS = { a: "203.0.113.11", b: "203.0.113.12" };

/** Two machines behind a router each, and a public one. */
export interface Homes {
  readonly a: Machine;
  readonly b: Machine;
  readonly vps: Machine;
  /** Lets nothing pass between the two routers, or all again. */
  block(blocked: boolean): Promise<void>;
}

/** Two machines and a public one on one network, with addresses of IPv6 only. */
export const IPV6 = { a: "fd00::1", b: "fd00::2", vps: "fd00::9" };

/** Makes a network, to which machines are attached by their interface `out`. */
async function makeNetwork(machines: Machines) {
  const network = await machines.add("net");
  await network.ip("link add bridge type bridge");
  await network.ip("link set bridge up");
  const attach = async (machine: Machine, name: string, address: string) => {
    await machines.connect([machine, "out"], [network, name]);
    await network.ip(`link set ${name} master bridge`);
    await machine.ip(`addr add ${address} dev out`);
  };
  return { network, attach };
}

/** Makes the machines of {@linkcode IPV6}. */
export async function makeIpv6Homes(machines: Machines): Promise<Homes> {
  const { attach } = await makeNetwork(machines);
  const make = async (name: keyof typeof IPV6) => {
    const machine = await machines.add(name);
    await attach(machine, `port-${name}`, `${IPV6[name]}/64 nodad`);
    return machine;
  };
  const block = () => Promise.reject(new TypeError("There are no routers"));
  return {
    a: await make("a"),
    b: await make("b"),
    vps: await make("vps"),
    block,
  };
}

/** Makes two homes and the network between them. */
export async function makeHomes(
  machines: Machines,
  routers: Readonly<Record<"a" | "b", Router>>,
): Promise<Homes> {
  const { network, attach } = await makeNetwork(machines);
  const vps = await machines.add("vps");
  await attach(vps, "vps", `${PUBLIC}/24`);
  const gateways: Machine[] = [];
  const home = async (side: "a" | "b") => {
    const kind = routers[side];
    const machine = await machines.add(side);
    const router = await machines.add(`r${side}`);
    const inner = innerNetwork(side, kind);
    await attach(router, `router-${side}`, `${ROUTERS[side]}/24`);
    await machines.connect([machine, "eth0"], [router, "in"]);
    await machine.ip(`addr add ${inner}.2/24 dev eth0`);
    await router.ip(`addr add ${inner}.1/24 dev in`);
    await machine.ip(`route add default via ${inner}.1`);
    await router.run("sysctl -qw net.ipv4.ip_forward=1");
    if (kind !== "none") await filter(router, rulesOf(kind, inner));
    gateways.push(router);
    return machine;
  };
  const [a, b] = [await home("a"), await home("b")];
  // What has a public address behind a router is found there
  for (const side of ["a", "b"] as const) {
    if (routers[side] !== "none") continue;
    for (const machine of [vps, gateways[side === "a" ? 1 : 0]!]) {
      const inner = innerNetwork(side, "none");
      await machine.ip(`route add ${inner}.0/24 via ${ROUTERS[side]}`);
    }
  }
  const block = async (blocked: boolean) => {
    if (!blocked) return void await network.run("nft delete table bridge b");
    await filter(
      network,
      `table bridge b {
        chain f {
          type filter hook forward priority 0
          ip saddr ${PUBLIC} accept
          ip daddr ${PUBLIC} accept
          meta protocol ip drop
        }
      }`,
    );
  };
  return { a, b, vps, block };
}

function innerNetwork(side: "a" | "b", router: Router): string {
  const number = side === "a" ? 1 : 2;
  return router === "none" ? `198.51.${99 + number}` : `10.${number}.0`;
}

function rulesOf(router: Router, inner: string): string {
  const random = router === "hard" ? " fully-random" : "";
  const opened = router === "full"
    ? `iifname out udp dport 1024-65535 dnat to ${inner}.2`
    : "";
  const udp = router === "shut"
    ? `oifname out meta l4proto udp ip daddr != ${PUBLIC} drop`
    : "";
  const unasked = router === "full" ? "accept" : "drop";
  // What is dropped at its door leaves no trace that would take the port from a
  // mapping made later
  return `table ip nat {
    chain before {
      type nat hook prerouting priority -100
      ${opened}
    }
    chain after {
      type nat hook postrouting priority 100
      oifname out ip saddr ${inner}.0/24 masquerade${random}
    }
  }
  table ip filter {
    chain local {
      type filter hook input priority 0
      iifname out meta l4proto udp ct state new drop
    }
    chain through {
      type filter hook forward priority 0
      ${udp}
      iifname out ct state new ${unasked}
    }
  }`;
}

/** Gives a machine rules of nftables. */
async function filter(machine: Machine, rules: string): Promise<void> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, `${rules}\n`);
  await run("ip", ...machine.command(["nft", "-f", path]));
  await Deno.remove(path);
}
