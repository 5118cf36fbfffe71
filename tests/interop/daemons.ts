/**
 * Real name servers, started for a test on loopback: their own ports, their files in a temporary folder, and dead in the end
 * whatever happens.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Resolver } from "node:dns/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { delay } from "@ballast/runtime";

/** What a zone holds: addresses by name, and aliases. Names are below {@linkcode ORIGIN}. */
export interface Records {
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  readonly aliases: Readonly<Record<string, string>>;
}

export const ORIGIN = "interop.test";
/** How long every record may be cached. */
export const TTL_S = 40;

/** A name server that can be started. */
export interface Daemon {
  readonly name: string;
  /** The program is not installed. */
  readonly missing: boolean;
  /** Starts it; it answers once this resolves. */
  start(records: Records): Promise<RunningDaemon>;
}

/** A name server that runs. */
export interface RunningDaemon {
  readonly address: string;
  /** For UDP and TCP; the same after a restart. */
  readonly port: number;
  /** Has it read another zone. */
  setRecords(records: Records): void;
  /** Stops it in its tracks: its sockets stay open, nobody reads them. Resolves when the last of its threads stands. */
  freeze(): Promise<void>;
  /** Lets it go on. */
  thaw(): void;
  /** Kills it; its port is closed. */
  kill(): Promise<void>;
  /** Starts it again, after `kill`. */
  restart(): Promise<void>;
  /** Kills it and removes its files. */
  close(): Promise<void>;
}

/** A program on its leash. */
export interface Leashed {
  readonly pid: number;
  signal(signal: "SIGHUP" | "SIGSTOP" | "SIGCONT" | "SIGKILL"): void;
  /** When it is dead. */
  readonly ended: Promise<unknown>;
  readonly isAlive: boolean;
  /** What it printed. */
  readonly said: string;
}

/** What makes one name server differ from another. */
interface Kind {
  readonly name: string;
  readonly program: string;
  /** Writes its configuration into `folder` and returns its arguments. */
  configure(folder: string, port: number): string[];
  /** Writes the zone into `folder`; `serial` grows. */
  write(folder: string, records: Records, serial: number): void;
}

const ADDRESS = "127.0.0.1";
/** Below the ports that sockets get when they ask for any: nobody takes ours while the server is dead. */
const FIRST_PORT = 10_000;
const LAST_PORT = 32_000;
const MAX_STARTS = 5;
const READY_WITHIN_MS = 5_000;

/**
 * Runs a program, says its process id, and kills it when its own input ends: so it dies with us, however we die.
 */
const LEASH = `exec 3<&0
"$@" </dev/null 3<&- & pid=$!
echo "$pid"
{ read -r _ <&3; kill -9 "$pid"; } 2>/dev/null &
wait "$pid"`;

const KNOT: Kind = {
  name: "knot",
  program: "knotd",
  configure(folder, port) {
    for (const name of ["run", "db"]) mkdirSync(join(folder, name), { recursive: true });
    const text = `server:
    rundir: "${folder}/run"
    listen: ${ADDRESS}@${port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "${folder}/db"
log:
  - target: stderr
    any: error
zone:
  - domain: ${ORIGIN}
    storage: "${folder}"
    file: "zone"
    zonefile-sync: -1
    journal-content: none
`;
    writeFileSync(join(folder, "knot.conf"), text);
    return ["-c", join(folder, "knot.conf")];
  },
  write(folder, { addresses, aliases }, serial) {
    const lines = [
      `$ORIGIN ${ORIGIN}.`,
      `$TTL ${TTL_S}`,
      `@ SOA ns hostmaster ${serial} 3600 600 86400 30`,
      "@ NS ns",
      `ns A ${ADDRESS}`,
    ];
    for (const [name, list] of Object.entries(addresses)) {
      for (const ip of list) lines.push(`${name}.${ORIGIN}. ${ip.includes(":") ? "AAAA" : "A"} ${ip}`);
    }
    for (const [name, target] of Object.entries(aliases)) {
      lines.push(`${name}.${ORIGIN}. CNAME ${target}.${ORIGIN}.`);
    }
    writeFileSync(join(folder, "zone"), `${lines.join("\n")}\n`);
  },
};

const DNSMASQ: Kind = {
  name: "dnsmasq",
  program: "dnsmasq",
  configure(folder, port) {
    const options = [
      `port=${port}`,
      `listen-address=${ADDRESS}`,
      "bind-interfaces",
      "keep-in-foreground",
      "log-facility=-",
      "pid-file",
      "user=root",
      "no-resolv",
      "no-hosts",
      `addn-hosts=${folder}/hosts`,
      `local=/${ORIGIN}/`,
      `local-ttl=${TTL_S}`,
      "edns-packet-max=1232",
      `conf-file=${folder}/aliases`,
    ];
    writeFileSync(join(folder, "dnsmasq.conf"), `${options.join("\n")}\n`);
    return [`--conf-file=${join(folder, "dnsmasq.conf")}`];
  },
  write(folder, { addresses, aliases }) {
    const hosts = Object.entries(addresses).flatMap(([name, list]) =>
      list.map((ip) => `${ip} ${name}.${ORIGIN}`)
    );
    writeFileSync(join(folder, "hosts"), `${hosts.join("\n")}\n`);
    const lines = Object.entries(aliases).map(([name, target]) =>
      `cname=${name}.${ORIGIN},${target}.${ORIGIN}`
    );
    writeFileSync(join(folder, "aliases"), `${lines.join("\n")}\n`);
  },
};

/** The servers that there are tests for. */
export const DAEMONS: readonly Daemon[] = [KNOT, DNSMASQ].map((kind) => {
  const program = find(kind.program);
  return {
    name: kind.name,
    missing: program === undefined,
    start: (records) => start(kind, program!, records),
  };
});

/** Where a program is; system daemons are not on everybody's path. */
export function find(program: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

async function start(kind: Kind, program: string, records: Records): Promise<RunningDaemon> {
  const folder = mkdtempSync(join(tmpdir(), `ballast-${kind.name}-`));
  const name = `${Object.keys(records.addresses)[0]!}.${ORIGIN}`;
  let child: Leashed | undefined;
  let serial = 1;
  kind.write(folder, records, serial);

  async function launch(port: number): Promise<void> {
    child = await launched(program, kind.configure(folder, port), port, name);
  }

  async function kill(): Promise<void> {
    const ending = child;
    child = undefined;
    ending?.signal("SIGKILL");
    await ending?.ended;
  }

  async function close(): Promise<void> {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  }

  try {
    const port = await anyPort(launch);
    return {
      address: ADDRESS,
      port,
      setRecords(next) {
        kind.write(folder, next, ++serial);
        child?.signal("SIGHUP");
      },
      async freeze() {
        child?.signal("SIGSTOP");
        while (await answers(port, name)) await delay(20);
      },
      thaw: () => void child?.signal("SIGCONT"),
      kill,
      restart: () => launch(port),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The first of a few ports at which it can be launched: the others are taken. */
async function anyPort(launch: (port: number) => Promise<void>): Promise<number> {
  for (let tried = 1;; tried++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    try {
      await launch(port);
      return port;
    } catch (error) {
      if (tried === MAX_STARTS) throw error;
    }
  }
}

/** The program, once it answers for `name`. */
async function launched(program: string, args: string[], port: number, name: string): Promise<Leashed> {
  const child = await leashed(program, args);
  const giveUpAt = performance.now() + READY_WITHIN_MS;
  while (child.isAlive && performance.now() < giveUpAt) {
    // Somebody else may be at that port: then ours has ended.
    if (await answers(port, name) && child.isAlive) return child;
    await delay(20);
  }
  child.signal("SIGKILL");
  await child.ended;
  throw new Error(
    `${program} does not answer on ${ADDRESS} port ${port}: ${child.said || "no reason given"}`,
  );
}

/** Whether whoever is at that port answers for `name`, and soon. */
async function answers(port: number, name: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([`${ADDRESS}:${port}`]);
  return await resolver.resolve4(name).then(() => true, () => false);
}

export async function leashed(program: string, args: string[]): Promise<Leashed> {
  const shell = spawn("/bin/sh", ["-c", LEASH, "sh", program, ...args], { stdio: "pipe" });
  let isAlive = true;
  let said = "";
  const ended = once(shell, "exit").then(() => {
    isAlive = false;
    shell.stdin.destroy();
  });
  shell.stdin.on("error", () => {});
  shell.stderr.on("data", (chunk) => said += chunk);
  const [first] = await once(shell.stdout, "data");
  const pid = Number.parseInt(String(first));
  shell.stdout.on("data", (chunk) => said += chunk);
  return {
    pid,
    signal(signal) {
      if (isAlive) process.kill(pid, signal);
    },
    ended,
    get isAlive() {
      return isAlive;
    },
    get said() {
      return said.trim();
    },
  };
}
