/**
 * Looks at this host for `disco doctor`: thin, bounded in time, and changes nothing. What it finds
 * is judged elsewhere.
 */
import { execFile } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import * as fs from 'node:fs';
import { connect, createServer, isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { formatAddress, isWildcard, parseAddress } from '../base/address.ts';
import type { Address } from '../base/address.ts';
import { errorText } from '../base/error.ts';
import type { DaemonStatus } from '../client/daemon-status.ts';
import type { Config } from '../daemon/config.ts';
import type { DataDirFacts, DiskFacts, OpenFilesFacts } from './doctor-facts.ts';
import type { PortFacts, SeedFacts } from './doctor-facts.ts';

/** For each thing that is asked of the network or of another program. */
const patienceMs = 2_000;
const seedsMax = 16;
const addressesMax = 8;

const wordsOfCode: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  EHOSTUNREACH: 'that host cannot be reached',
  ENETUNREACH: 'there is no route to that network',
  EADDRNOTAVAIL: 'no interface of this host has that address',
  EACCES: 'this user may not have that port',
  ENOTFOUND: 'there is no such name',
  EAI_AGAIN: 'no name server answers',
};

export function lookAtDataDir(path: string): DataDirFacts {
  const nothing = { path, mode: 0, keyMode: undefined, holder: undefined };
  try {
    const stat = fs.statSync(path, { throwIfNoEntry: false });
    if (stat === undefined)
      return { ...nothing, state: 'absent', isWritable: isWritable(parentOf(path)) };
    if (!stat.isDirectory()) return { ...nothing, state: 'no-folder', isWritable: false };
    const key = fs.lstatSync(join(path, 'key'), { throwIfNoEntry: false });
    return {
      path,
      state: 'there',
      isWritable: isWritable(path),
      mode: stat.mode,
      keyMode: key?.mode,
      holder: holderOf(path),
    };
  } catch {
    return { ...nothing, state: 'hidden', isWritable: false };
  }
}

export function lookAtDisk(path: string): DiskFacts | undefined {
  try {
    const folder = fs.existsSync(path) ? path : parentOf(path);
    const { bavail, bsize, ffree, files } = fs.statfsSync(folder);
    return { path: folder, freeBytes: bavail * bsize, freeFiles: files === 0 ? undefined : ffree };
  } catch {
    return undefined;
  }
}

/** Of the process with this pid; Linux alone tells. */
export function lookAtOpenFiles(pid: number): OpenFilesFacts | undefined {
  try {
    const limits = fs.readFileSync(`/proc/${pid}/limits`, 'utf8');
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
    if (soft === undefined) return undefined;
    return { limit: soft === 'unlimited' ? Infinity : Number(soft), open: openFilesOf(pid) };
  } catch {
    return undefined;
  }
}

/** What a running daemon says that it can be reached at, dialed from here. */
export function dialPorts({ advertise, http }: DaemonStatus): Promise<PortFacts[]> {
  const gossip = advertise.slice(0, addressesMax).map((text) => ({
    what: 'gossip',
    flag: '--advertise',
    address: parseAddress(text),
  }));
  const web = http === 'off' ? [] : [{ what: 'HTTP', flag: '--http', address: parseAddress(http) }];
  return Promise.all(
    [...gossip, ...web].map(async ({ what, flag, address }): Promise<PortFacts> => {
      const problem = await dial(here(address));
      const state = problem === '' ? 'answers' : 'silent';
      return { what, flag, address: formatAddress(address), state, problem };
    }),
  );
}

/** Whether a daemon could listen where it is told to; each port is taken for a moment. */
export function tryPorts({ listen, grpc, http }: Config): Promise<PortFacts[]> {
  const places = [
    ...listen.map((text) => ({ what: 'gossip', flag: '--listen', text })),
    ...grpc.map((text) => ({ what: 'gRPC', flag: '--grpc', text })),
    { what: 'HTTP', flag: '--http', text: http },
  ].filter(({ text }) => text !== 'off' && !text.startsWith('unix:'));
  return Promise.all(
    places.slice(0, 3 * addressesMax).map(async ({ what, flag, text }): Promise<PortFacts> => {
      const code = await listenOnce(parseAddress(text));
      const state = code === '' ? 'free' : code === 'EADDRINUSE' ? 'taken' : 'unusable';
      return { what, flag, address: text, state, problem: wordsOf(code) };
    }),
  );
}

export function lookAtSeeds(seeds: readonly Address[]): Promise<SeedFacts[]> {
  return Promise.all(
    seeds.slice(0, seedsMax).map(async (address): Promise<SeedFacts> => {
      const found = await resolve(address.host);
      if (typeof found === 'string') return { address, ips: [], isReached: false, problem: found };
      const problem = await dial(address);
      return { address, ips: found, isReached: problem === '', problem };
    }),
  );
}

/** Whether NTP keeps this host's clock; undefined where systemd does not know. */
export function lookAtClock(): Promise<boolean | undefined> {
  return new Promise((done) => {
    const ask = ['show', '--property=NTPSynchronized', '--value'];
    execFile('timedatectl', ask, { timeout: patienceMs }, (error, stdout) => {
      const answer = stdout.trim();
      done(error === null && answer !== '' ? answer === 'yes' : undefined);
    });
  });
}

/** @returns what went wrong; empty: somebody listens there */
function dial({ host, port }: Address): Promise<string> {
  return new Promise((done) => {
    const socket = connect({ host, port, timeout: patienceMs });
    const end = (problem: string): void => {
      socket.destroy();
      done(problem);
    };
    socket.once('connect', () => end(''));
    socket.once('timeout', () => end(`no answer within ${patienceMs} ms`));
    socket.once('error', (error) => end(wordsOf(error)));
  });
}

/** @returns the code of what went wrong; empty: it worked */
function listenOnce({ host, port }: Address): Promise<string> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => done('')));
  });
}

/** @returns the IP addresses of a name, or why there are none */
async function resolve(host: string): Promise<readonly string[] | string> {
  if (isIP(host) !== 0) return [host];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((done) => {
    timer = setTimeout(() => done(`no answer within ${patienceMs} ms`), patienceMs);
  });
  const asked = lookup(host, { all: true }).then(
    (found) => found.map(({ address }) => address),
    wordsOf,
  );
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @param error or its code */
function wordsOf(error: unknown): string {
  const code = typeof error === 'string' ? error : (error as NodeJS.ErrnoException).code;
  return wordsOfCode[code ?? ''] ?? code ?? errorText(error);
}

/** Where an address that means every interface is dialed from here. */
function here({ host, port }: Address): Address {
  return { host: isWildcard(host) ? (isIP(host) === 6 ? '::1' : '127.0.0.1') : host, port };
}

function isWritable(folder: string): boolean {
  try {
    fs.accessSync(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The nearest folder above that is there. */
function parentOf(path: string): string {
  const parent = dirname(path);
  return fs.existsSync(parent) || parent === path ? parent : parentOf(parent);
}

function holderOf(path: string): number | undefined {
  try {
    const pid = Number(fs.readFileSync(join(path, 'lock.pid'), 'utf8'));
    if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}

function openFilesOf(pid: number): number | undefined {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return undefined;
  }
}
