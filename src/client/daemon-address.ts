/**
 * Where the daemon of this host answers.
 *
 *   option ▸ DISCO_ADDR ▸ DATA-DIR/daemon.json ▸ 127.0.0.1:7948, or the socket of a named data dir
 *
 * The first that is set wins, even when nothing answers there: a wrong address is told, not
 * worked around.
 */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { formatAddress, parseAddress } from '../base/address.ts';
import { DiscoError, errorText } from '../base/error.ts';

const defaultAddress = '127.0.0.1:7948';

/** A socket's path has to fit into sockaddr_un: 108 bytes on Linux, 104 on macOS, with a zero. */
const socketPathBytesMax = process.platform === 'darwin' ? 103 : 107;

/** What the daemon may be looked for by. */
export interface DaemonAddressOptions {
  /** `unix:/path`, `host:port` or `[v6]:port`; goes before everything else. */
  readonly address?: string | undefined;
  /** Folder of the daemon's run file; default: DISCO_DATA_DIR, else the state directory. */
  readonly dataDir?: string | undefined;
  /** Default: process.env. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** An address that is well-formed, and where it was found. */
export interface DaemonAddress {
  /** A grpc-js target: `unix:/path`, `host:port` or `[v6]:port`. */
  readonly address: string;
  /** For people: where the address came from. */
  readonly source: string;
}

/**
 * Finds the daemon's address; reads one small file at most and connects to nothing.
 *
 * @throws DiscoError INVALID_ARGUMENT/INVALID_ADDRESS for an option, a DISCO_ADDR or an entry of
 *   daemon.json that is no address
 */
export function findDaemon(options: DaemonAddressOptions = {}): DaemonAddress {
  const env = options.env ?? process.env;
  if (options.address !== undefined) {
    return { address: parseTarget(options.address, 'the address option'), source: 'as given' };
  }
  const fromEnv = env['DISCO_ADDR'];
  if (fromEnv !== undefined && fromEnv !== '') {
    return { address: parseTarget(fromEnv, 'DISCO_ADDR'), source: 'from DISCO_ADDR' };
  }
  const directory = dataDirectory(options.dataDir, env);
  const socket = join(directory, 'disco.sock');
  const isNamed = options.dataDir !== undefined && Buffer.byteLength(socket) <= socketPathBytesMax;
  // Whoever names a data dir means its daemon, and not whichever has the usual port: a daemon that
  // is not ready yet has its socket already.
  return readRunFile(join(directory, 'daemon.json'), isNamed ? `unix:${socket}` : defaultAddress);
}

/** DATA-DIR, as the daemon itself finds it. */
export function dataDirectory(
  dataDir: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const named = dataDir ?? env['DISCO_DATA_DIR'] ?? '';
  if (named !== '') return resolve(named);
  const state = env['XDG_STATE_HOME'] ?? '';
  return state !== '' ? join(resolve(state), 'disco') : join(homedir(), '.local/state/disco');
}

/** Prefers the socket: it does not move when the daemon restarts on another port. */
function readRunFile(path: string, fallback: string): DaemonAddress {
  let listed: unknown;
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    listed = (content as { grpc?: unknown } | null)?.grpc;
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = absent ? `there is no ${path}` : `${path} is unreadable: ${errorText(error)}`;
    return { address: fallback, source: `the default, as ${why}` };
  }
  const addresses = Array.isArray(listed) ? listed.filter((item) => typeof item === 'string') : [];
  const chosen = addresses.find((address) => address.startsWith('unix:')) ?? addresses[0];
  if (chosen === undefined) {
    return { address: fallback, source: `the default, as ${path} lists no gRPC address` };
  }
  return { address: parseTarget(chosen, path), source: `from ${path}` };
}

/**
 * Checks an address and brings it into the form that grpc-js takes.
 *
 * @param where what the address was read from, for the error's sentence
 * @throws DiscoError INVALID_ARGUMENT/INVALID_ADDRESS
 */
function parseTarget(text: string, where: string): string {
  const trimmed = text.trim();
  if (trimmed.startsWith('unix:')) return parseSocket(trimmed, where);
  try {
    const address = parseAddress(trimmed);
    if (address.port !== 0) return formatAddress(address);
  } catch (error) {
    throw badAddress(text, where, error);
  }
  throw badAddress(text, where);
}

function parseSocket(text: string, where: string): string {
  // unix:///path is the same socket as unix:/path
  const path = text.slice('unix:'.length).replace(/^\/\/(?=\/)/, '');
  if (!path.startsWith('/') || path.length < 2 || path.includes('\0')) {
    throw badAddress(text, where);
  }
  const bytes = Buffer.byteLength(path);
  if (bytes <= socketPathBytesMax) return `unix:${path}`;
  throw new DiscoError(
    'INVALID_ARGUMENT',
    'INVALID_ADDRESS',
    `${where}: the socket path ${path} is ${bytes} bytes long, and this system allows ` +
      `${socketPathBytesMax}; use a data directory with a shorter path, or a host:port`,
  );
}

function badAddress(text: string, where: string, cause?: unknown): DiscoError {
  return new DiscoError(
    'INVALID_ARGUMENT',
    'INVALID_ADDRESS',
    `${where}: ${JSON.stringify(text)} is no daemon address; ` +
      'expected unix:/path, host:port or [v6]:port, with a port of 1 to 65535',
    cause,
  );
}
