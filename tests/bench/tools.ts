import { ferry, freePort, installed } from "../support/process.ts";

/** What to carry, and where. */
export interface Job {
  /** The file to send. */
  source: string;
  /** A directory for those that do not write to standard output. */
  copies: string;
  /** A directory for whatever else they need. */
  directory: string;
}

/** How a tool carries one job. */
export interface Plan {
  receive: string[];
  send: string[];
  /** What the receiver listens at. */
  port: number;
  protocol: "tcp" | "udp";
  /** Whether the sender reads the file from its standard input. */
  piped: boolean;
  /** Whether the receiver goes on after the job, and has to be stopped. */
  stays: boolean;
}

/** A program that carries a file from one process to another over loopback. */
export interface Tool {
  name: string;
  /** Programs without which it cannot run. */
  needs: string[];
  plan(job: Job): Promise<Plan>;
}

const HOST = "127.0.0.1";

/** ferry, with further options for both sides; through a relay if it is given the relay's port. */
export function ferryTool(
  name: string,
  options: string[],
  port = freePort(),
  sendPort = port,
): Tool {
  return {
    name,
    needs: [],
    plan: () =>
      Promise.resolve({
        receive: ferry("receive", `${port}`, "--bind", HOST, ...options),
        send: ferry("send", HOST, `${sendPort}`, ...options),
        port,
        protocol: "udp",
        piped: true,
        stays: false,
      }),
  };
}

/** A port for TCP, by which those of {@linkcode freePort} are kept. */
function freeTcpPort(): number {
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

const nc: Tool = {
  name: "nc",
  needs: ["nc"],
  plan() {
    const port = freeTcpPort();
    return Promise.resolve({
      receive: ["nc", "-l", HOST, `${port}`],
      send: ["nc", "-N", HOST, `${port}`],
      port,
      protocol: "tcp",
      piped: true,
      stays: false,
    });
  },
};

/** sshd wants its directory, which its service would have made, and its whole path. */
const SSHD = `
PATH=$PATH:/usr/sbin
mkdir -p /run/sshd 2>/dev/null
exec "$(command -v sshd)" "$@"
`;

const scp: Tool = {
  name: "scp",
  needs: ["scp", "sshd", "ssh-keygen"],
  async plan({ source, copies, directory }) {
    const port = freeTcpPort();
    const [hostKey, userKey] = [`${directory}/host`, `${directory}/user`];
    for (const key of [hostKey, userKey]) {
      await new Deno.Command("ssh-keygen", {
        args: ["-q", "-t", "ed25519", "-N", "", "-f", key],
      }).output();
    }
    const server = {
      ListenAddress: HOST,
      AuthorizedKeysFile: `${userKey}.pub`,
      StrictModes: "no",
      PidFile: "none",
      UsePAM: "no",
      Subsystem: "sftp internal-sftp",
    };
    const client = {
      BatchMode: "yes",
      StrictHostKeyChecking: "no",
      UserKnownHostsFile: "/dev/null",
    };
    return {
      receive: ["sh", "-c", SSHD, "sshd"]
        .concat("-D", "-f", "/dev/null", "-p", `${port}`, "-h", hostKey)
        .concat(settings(server)),
      send: ["scp", "-q", "-P", `${port}`, "-i", userKey]
        .concat(settings(client), source, `${HOST}:${copies}/copy`),
      port,
      protocol: "tcp",
      piped: false,
      stays: true,
    };
  },
};

const srt: Tool = {
  name: "srt-file-transmit",
  needs: ["srt-file-transmit"],
  plan({ source, copies }) {
    const port = freePort();
    const listener = `srt://${HOST}:${port}?mode=listener`;
    return Promise.resolve({
      receive: ["srt-file-transmit", "-q", listener, `file://${copies}/`],
      send: ["srt-file-transmit", "-q", `file://${source}`]
        .concat(`srt://${HOST}:${port}`),
      port,
      protocol: "udp",
      piped: false,
      stays: false,
    });
  },
};

/** Those to compare with that are installed here. */
export async function otherTools(): Promise<Tool[]> {
  const tools = [];
  for (const tool of [nc, scp, srt]) {
    const found = await Promise.all(tool.needs.map(installed));
    if (found.every(Boolean)) tools.push(tool);
  }
  return tools;
}

function settings(options: Record<string, string>): string[] {
  return Object.entries(options)
    .flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}
