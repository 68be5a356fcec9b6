import { assert, assertEquals, assertMatch } from "@std/assert";
import { Terminal } from "../../attacks/support/terminal.ts";
import {
  COMMAND,
  eventsOf,
  Ferry,
  runFerry,
  start,
} from "../../support/ferry.ts";
import { inDirectory, sameFiles, writeRandomFile } from "../../support/fs.ts";
import { type Machine, Machines } from "../../support/machines/namespaces.ts";
import { NAMESPACES, program, testWith, TMUX } from "../../support/needs.ts";
import { kill } from "../../support/process.ts";
import { pause, until } from "../../support/wait.ts";
import { assertClean, WIDTHS } from "../terminal/panes.ts";

const NEEDS = [
  NAMESPACES,
  await program("miniupnpd"),
  await program("nft"),
];
const CODE = "17-walnut-copper-lagoon";
const PORT = 6001;
/** Of PCP and NAT-PMP. */
const GATEWAY_PORT = 5351;
const OUTSIDE = "8.8.4.1";

/** A router that lets in answers, and what miniupnpd has opened. */
const RULES = `
table inet filter {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname in accept
    jump miniupnpd
  }
  chain miniupnpd {}
  chain input { type filter hook input priority 0; }
  chain prerouting {
    type nat hook prerouting priority -100;
    jump prerouting_miniupnpd
  }
  chain prerouting_miniupnpd {}
  chain postrouting {
    type nat hook postrouting priority 100;
    oifname out masquerade
    jump postrouting_miniupnpd
  }
  chain postrouting_miniupnpd {}
}`;
/** Requests of PCP to map a port are datagrams of 60 bytes. */
const WITHOUT_PCP =
  "nft add rule inet filter input udp dport 5351 udp length 68 drop";
const CONFIGURATION = `
ext_ifname=out
listening_ip=in
enable_natpmp=yes
enable_upnp=no
secure_mode=yes
min_lifetime=10
upnp_table_name=filter
upnp_nat_table_name=filter
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
allow 1024-65535 10.9.0.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`;

/** A machine at home, its router, and a machine outside. */
class Home implements AsyncDisposable {
  readonly #machines: Machines;
  readonly #daemon: Deno.ChildProcess;

  private constructor(
    machines: Machines,
    daemon: Deno.ChildProcess,
    readonly inside: Machine,
    readonly router: Machine,
    readonly outside: Machine,
  ) {
    this.#machines = machines;
    this.#daemon = daemon;
  }

  static async make(directory: string): Promise<Home> {
    const machines = new Machines();
    const inside = await machines.add("in");
    const router = await machines.add("router");
    const outside = await machines.add("out");
    await machines.connect([router, "in"], [inside, "eth0"]);
    await machines.connect([router, "out"], [outside, "eth0"]);
    await inside.ip("addr add 10.9.0.2/24 dev eth0");
    await router.ip("addr add 10.9.0.1/24 dev in");
    await router.ip(`addr add ${OUTSIDE}/24 dev out`);
    await outside.ip("addr add 8.8.4.2/24 dev eth0");
    await inside.ip("route add default via 10.9.0.1");
    await router.run("sysctl -qw net.ipv4.ip_forward=1");
    await Deno.writeTextFile(`${directory}/rules`, RULES);
    await router.run(`nft -f ${directory}/rules`);
    const configuration = `${directory}/miniupnpd.conf`;
    await Deno.writeTextFile(configuration, CONFIGURATION);
    const command =
      `miniupnpd -d -f ${configuration} -P ${directory}/miniupnpd.pid`;
    const daemon = start(["ip", ...router.command(command.split(" "))], {
      stdin: "null",
      stdout: "null",
      stderr: "null",
    });
    await until(async () => (await router.udpPorts()).includes(GATEWAY_PORT));
    return new Home(machines, daemon, inside, router, outside);
  }

  /** Whether the router leads the port here. */
  async isMapped(): Promise<boolean> {
    const rules = await this.router.run(
      "nft list chain inet filter prerouting_miniupnpd",
    );
    return rules.includes(`dnat ip to 10.9.0.2:${PORT}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    kill(this.#daemon.pid, "SIGTERM");
    await this.#daemon.status;
    await this.#machines[Symbol.asyncDispose]();
  }
}

/** Starts a receiver for which the router has opened the port: a busy one may not answer in time. */
async function receiver(
  home: Home,
  directory: string,
  args: readonly string[] = [],
): Promise<Ferry> {
  for (;;) {
    const ferry = new Ferry(
      ["receive", `${PORT}`, "--map", "--json", "-d", directory, ...args],
      { ...home.inside.place, env: { FERRY_CODE: CODE } },
    );
    for (let looks = 0; looks < 200; looks++) {
      if (await home.isMapped()) return ferry;
      await pause(20);
    }
    ferry.kill("SIGKILL");
    await ferry.ended;
  }
}

/** A test at this home, of which the router speaks the protocol. */
function test(
  name: string,
  protocol: "PCP" | "NAT-PMP",
  fn: (home: Home, path: string) => Promise<void>,
): void {
  testWith(NEEDS, `${name}, by ${protocol}`, () =>
    inDirectory(async (path) => {
      await using home = await Home.make(path);
      if (protocol === "NAT-PMP") await home.router.run(WITHOUT_PCP);
      await fn(home, path);
    }));
}

for (const protocol of ["PCP", "NAT-PMP"] as const) {
  test(
    "--map has a router open the port, is reached from outside, and closes it at the end",
    protocol,
    async (home, path) => {
      await writeRandomFile(`${path}/file`, 300_000);
      await Deno.mkdir(`${path}/in`);
      const receiving = await receiver(home, `${path}/in`);
      const sent = await runFerry(
        ["send", OUTSIDE, `${PORT}`, `${path}/file`],
        { ...home.outside.place, env: { FERRY_CODE: CODE } },
      );
      assertEquals(sent.code, 0, sent.stderr);
      const received = await receiving.ended;
      assertEquals(received.code, 0, received.stderr);
      const { lifetime, ...mapped } = eventsOf(received)
        .find(({ event }) => event === "mapped")!;
      assert(Number(lifetime) > 0);
      assertEquals(mapped, {
        event: "mapped",
        address: OUTSIDE,
        port: PORT,
        protocol,
        gateway: "10.9.0.1",
      });
      assert(!await home.isMapped());
      assert(await sameFiles(`${path}/file`, `${path}/in/file`));
    },
  );

  for (
    const [end, status, args] of [
      ["SIGINT", 130, []],
      ["SIGTERM", 143, ["--keep"]],
      ["a transfer that failed", 1, ["--wait", "2"]],
    ] as const
  ) {
    test(
      `--map closes the port after ${end}, too`,
      protocol,
      async (home, path) => {
        const receiving = await receiver(home, path, args);
        if (end === "SIGINT" || end === "SIGTERM") receiving.kill(end);
        const { code, stderr } = await receiving.ended;
        assertEquals(code, status, stderr);
        assert(!await home.isMapped());
      },
    );
  }
}

testWith(
  [...NEEDS, TMUX],
  "--map prints the command for both sides of the router, at 120, 80 and 40 columns",
  () =>
    inDirectory(async (cwd) => {
      await using home = await Home.make(cwd);
      for (const columns of WIDTHS) {
        await using terminal = await Terminal.run(
          ["ip", ...home.inside.command(COMMAND), "receive"]
            .concat(`${PORT}`, "--code", "--map"),
          { cwd, columns },
        );
        // What is to be copied stays one line, which the terminal alone wraps
        await terminal.shows(/From outside, run:/);
        for (const address of ["10.9.0.2", OUTSIDE]) {
          assertMatch(
            await terminal.text(),
            RegExp(`FERRY_CODE=\\S+ ferry send ${address} ${PORT} FILE`),
          );
        }
        await terminal.press("C-c");
        await terminal.shows(/ferry: Interrupted \[exit 130\]/);
        await assertClean(terminal, columns);
        assert(!await home.isMapped());
      }
    }),
);

testWith(
  NAMESPACES,
  "--map says that no router answers, or that there is none, and goes on",
  () =>
    inDirectory(async (path) => {
      await using machines = new Machines();
      const [inside, router] = [
        await machines.add("in"),
        await machines.add("router"),
      ];
      await machines.connect([inside, "eth0"], [router, "eth0"]);
      await inside.ip("addr add 10.9.0.2/24 dev eth0");
      await router.ip("addr add 10.9.0.1/24 dev eth0");
      for (const why of ["no-gateway", "silent"]) {
        const { code, stderr } = await runFerry(
          ["receive", "--map", "--json", "-d", path, "--wait", "1"],
          inside.place,
        );
        assertEquals(code, 1);
        assertMatch(stderr, new RegExp(`"not-mapped","why":"${why}"`));
        assertMatch(stderr, /"nobody-came"/);
        await inside.ip("route replace default via 10.9.0.1");
      }
    }),
);
