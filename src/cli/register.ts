/** The verbs that write: register (also for the length of a command) and deregister. */
import type { Command } from 'commander';
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { parseAddress } from '../base/address.ts';
import type { Address } from '../base/address.ts';
import type { Endpoint } from '../client/instance.ts';
import { checkToProto } from '../client/check.ts';
import type { CheckOptions } from '../client/check.ts';
import { hostPort } from '../record/names.ts';
import { addCheckOptions, readChecks } from './check-flags.ts';
import type { CheckFlags } from './check-flags.ts';
import { CliError } from './exit.ts';
import { collect, note, parseDuration, parsePairs, printOne } from './output.ts';
import { readService } from './read.ts';
import { identityOf, readIdentityKey } from './identity-flags.ts';
import { globalOptions, withDisco, withStub } from './session.ts';
import type { GlobalOptions } from './session.ts';

const registerExamples = `
Examples:
  $ disco register math add --port 5001
  $ disco register math add --port 5001 --ip 10.0.0.5 --tag blue --meta rack=7 --ttl 30s
  $ disco register math add --port 5001 --zone eu-1 --weight 10 --endpoint metrics=9100
  $ disco register math add --port 5001 --ip 10.0.0.5 --tag blue --meta zone=a --ttl 30s
  $ disco register math add --port 5001 --check http:/healthz --check-interval 5s
  $ disco register math add --port 5001 --check identity:/proof --identity-key KEY
  $ disco register math add                        the daemon picks a free port and prints it
  $ disco register math add -- ./add-service       the command finds the port in $PORT

Without a command the registration stays until it is deregistered, over restarts of the daemon too;
with one it ends when the command ends, however that happens.

With checks it is critical until all of them pass. This daemon runs them, at the ip and port of the
instance and nowhere else; "disco list --checks" there shows what they found.

With --check identity whoever answers has to prove that it is still the same process: over gRPC, or
with a path over HTTP. --identity-key is the public half of the key that it signs with, 32 bytes of
Ed25519 in base64url. A command is given a key of its own in $DISCO_IDENTITY.`;

interface RegisterFlags extends CheckFlags {
  readonly ip?: string;
  readonly port?: string;
  readonly id?: string;
  readonly tag?: string[];
  readonly meta?: string[];
  readonly version?: string;
  readonly weight?: string;
  readonly zone?: string;
  readonly endpoint?: string[];
  readonly ttl?: string;
  readonly deregisterAfter?: string;
  readonly identityKey?: string;
}

interface Wanted {
  readonly group: string;
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly instanceId: string;
  readonly tags: string[];
  readonly metadata: Record<string, string>;
  readonly version: string;
  readonly weight?: number;
  readonly zone: string;
  readonly endpoints: Endpoint[];
  readonly ttlMs: number;
  readonly deregisterAfterMs: number;
  readonly checks: CheckOptions[];
}

export function addRegisterVerbs(program: Command): void {
  const verb = program
    .command('register')
    .argument('<group>', 'a label over services')
    .argument('<name>', 'the service')
    .argument('[command...]', 'run it, registered for as long as it runs')
    .description('register an instance of a service at this daemon')
    .option('--port <port>', 'default: a free one of this host')
    .option('--ip <ip>', 'default: the address at which peers reach this host')
    .option('--id <id>', 'names the instance; default: ip:port')
    .option('--tag <tag>', 'to filter by, such as blue or region=eu; may be repeated', collect)
    .option('--meta <key=value>', 'metadata; may be repeated', collect)
    .option('--version <version>', 'release of the service')
    .option('--weight <weight>', 'share of the calls, 1 to 65535; default: 100')
    .option('--zone <zone>', 'where it runs; default: the zone of the daemon')
    .option('--endpoint <name=port>', 'a further port, or NAME=IP:PORT; may be repeated', collect)
    .option('--ttl <duration>', 'critical when no heartbeat came for so long')
    .option('--deregister-after <duration>', 'deregistered when critical for so long')
    .option('--identity-key <key>', 'what --check identity goes by');
  addCheckOptions(verb).addHelpText('after', registerExamples).action(register);
  program
    .command('deregister')
    .argument('<service>', 'GROUP/NAME, or GROUP')
    .argument('[name]', 'NAME, when the first was GROUP')
    .description('take back a registration that was made at this daemon')
    .option('--id <id>', 'which instance; needed when there are several')
    .addHelpText('after', '\nExample:\n  $ disco deregister math/add --id 127.0.0.1:5001')
    .action(deregister);
}

async function register(
  group: string,
  name: string,
  command: string[],
  flags: RegisterFlags,
  verb: Command,
): Promise<void> {
  const options = globalOptions(verb);
  const wanted = readWanted(group, name, flags);
  const identityKey = readIdentityKey(flags.identityKey, wanted.checks, command.length > 0);
  if (command.length > 0) return registerCommand(options, wanted, command);
  const checks = wanted.checks.map(checkToProto);
  const request = { ...wanted, checks, ...(identityKey !== undefined && { identityKey }) };
  const { ip, port, instanceId, conflict } = await withStub(options, (stub) =>
    stub.unary('Register', request),
  );
  if (conflict) note('disco: another node has registered the same service at the same address');
  const answer = { group, name, ip, port, instanceId, conflict };
  printOne(options.output, answer, () => `registered ${group}/${name} at ${hostPort(ip, port)}`);
}

/** Runs a command as a registered instance; ends with the command's exit code. */
async function registerCommand(
  options: GlobalOptions,
  wanted: Wanted,
  [file, ...args]: string[],
): Promise<void> {
  if (file === undefined) throw new CliError(2, 'give a command after --');
  const { ttlMs, deregisterAfterMs, ...rest } = wanted;
  const { identity, checks } = identityOf(wanted.checks);
  // What was not asked for is the client's to choose: it always keeps a lease that ends by itself.
  const lease = {
    ...(ttlMs === 0 ? {} : { ttlMs }),
    ...(deregisterAfterMs === 0 ? {} : { deregisterAfterMs }),
  };
  process.exitCode = await withDisco(options, async (disco) => {
    const instance = await disco.register({ ...rest, ...lease, checks, identity });
    const { ip, port } = instance;
    note(`disco: registered ${wanted.group}/${wanted.name} at ${hostPort(ip, port)}`);
    const proof = identity && { DISCO_IDENTITY: identity.handOver(instance) };
    const env = { ...process.env, HOST: ip, PORT: String(port), ...proof };
    return runCommand(file, args, env);
  });
}

function runCommand(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'inherit', env });
    const forward = (signal: NodeJS.Signals): void => {
      // What the terminal sends has reached the command already.
      if (signal === 'SIGTERM' || !process.stdin.isTTY) child.kill(signal);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, forward);
    child.once('error', (error) => {
      reject(new CliError(1, `cannot run ${file} (${error.message}): give a program after --`));
    });
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

async function deregister(
  first: string,
  second: string | undefined,
  flags: { id?: string },
  verb: Command,
): Promise<void> {
  const [group, name] = readService(first, second);
  const options = globalOptions(verb);
  const instanceId = await withDisco(options, (disco) =>
    disco.deregister({ group, name, instanceId: flags.id }),
  );
  const answer = { group, name, instanceId };
  printOne(options.output, answer, () => `deregistered ${group}/${name}/${instanceId}`);
}

function readWanted(group: string, name: string, flags: RegisterFlags): Wanted {
  const port = Number(flags.port ?? 0);
  if (!Number.isInteger(port) || port < 0 || (flags.port !== undefined && port === 0))
    throw new CliError(2, `--port ${flags.port}: write a port from 1 to 65535, or leave it out`);
  return {
    group,
    name,
    ip: flags.ip ?? '',
    port,
    instanceId: flags.id ?? '',
    tags: flags.tag ?? [],
    metadata: parsePairs('--meta', flags.meta ?? []),
    version: flags.version ?? '',
    ...(flags.weight === undefined ? {} : { weight: readWeight(flags.weight) }),
    zone: flags.zone ?? '',
    endpoints: (flags.endpoint ?? []).map(readEndpoint),
    ttlMs: parseDuration(flags.ttl ?? '0'),
    deregisterAfterMs: parseDuration(flags.deregisterAfter ?? '0'),
    checks: readChecks(flags),
  };
}

function readWeight(text: string): number {
  const weight = Number(text);
  if (Number.isInteger(weight) && weight >= 1 && weight <= 65_535) return weight;
  throw new CliError(2, `--weight ${text}: write 1 to 65535, or leave it out for 100`);
}

/** `metrics=9100`, or with an ip of its own `admin=10.0.0.5:9101`. */
function readEndpoint(text: string): Endpoint {
  const [name = '', place = ''] = text.split(/=(.*)/s);
  const { host, port } = readPlace(place);
  if (name !== '' && port >= 1 && port <= 65_535) return { name, port, ip: host };
  const rule = 'write NAME=PORT or NAME=IP:PORT, with a port from 1 to 65535';
  throw new CliError(2, `--endpoint ${text}: ${rule}`);
}

/** A port alone is one of the instance's address; port 0 stands for what is neither. */
function readPlace(text: string): Address {
  if (/^\d{1,5}$/.test(text)) return { host: '', port: Number(text) };
  try {
    return parseAddress(text);
  } catch {
    return { host: '', port: 0 };
  }
}
