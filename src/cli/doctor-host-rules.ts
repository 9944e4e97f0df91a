/** What a doctor makes of the host alone: its Node.js, disk, limits, permissions and ports. */
import type { DataDirFacts, DiskFacts, Facts, PortFacts } from './doctor-facts.ts';
import { count, finding } from './finding.ts';
import type { Finding } from './finding.ts';

/** As bin/launch.js has it. */
const oldestNode = [22, 13] as const;
const mebibyte = 1024 * 1024;
/** Below it SQLite's journal and a checkpoint may not fit. */
const freeBytesMin = 64 * mebibyte;
const freeBytesLow = 512 * mebibyte;
const freeFilesMin = 100;
/** Besides gossip: libraries, the database, the API's clients and room to breathe. */
const otherFiles = 256;

export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  if (isNew) return finding('node', 'ok', `Node.js ${version}`);
  const what = `Node.js ${version} is older than ${oldestNode.join('.')}`;
  return finding('node', 'wrong', what, 'install Node.js 24 from https://nodejs.org');
}

export function dataDirFinding(facts: DataDirFacts | undefined): Finding {
  if (facts === undefined)
    return finding('data-dir', 'unknown', 'not known: the configuration cannot be read');
  const { path, state, isWritable, mode, keyMode } = facts;
  const elsewhere = 'or give another one with --data-dir';
  if (state === 'hidden') {
    const what = `${path} cannot be looked at by this user`;
    return finding('data-dir', 'unknown', what, 'run the doctor as the user of the daemon');
  }
  if (state === 'no-folder')
    return finding('data-dir', 'wrong', `${path} is no folder`, `move it away, ${elsewhere}`);
  if (!isWritable) {
    const what = `${path} cannot be ${state === 'absent' ? 'made' : 'written'} by this user`;
    return finding('data-dir', 'wrong', what, `give it to the user of the daemon, ${elsewhere}`);
  }
  if (state === 'absent')
    return finding('data-dir', 'ok', `${path} will be made at the first start`);
  if ((mode & 0o022) !== 0) {
    const what = `${path} can be written by others (mode ${octal(mode)})`;
    return finding('data-dir', 'wrong', what, `chmod go-w ${path}`);
  }
  if (keyMode !== undefined && (keyMode & 0o077) !== 0) {
    const what = `the key ${path}/key can be read by others (mode ${octal(keyMode)})`;
    const mend = `chmod 600 ${path}/key; if somebody may have read it, delete it to become a new node`;
    return finding('data-dir', 'wrong', what, mend);
  }
  return finding('data-dir', 'ok', `${path} is writable, and private`);
}

export function diskFinding(facts: DiskFacts | undefined): Finding {
  if (facts === undefined)
    return finding('disk', 'unknown', 'the disk of the data dir cannot be looked at');
  const { path, freeBytes, freeFiles } = facts;
  const free = `${Math.floor(freeBytes / mebibyte)} MiB`;
  const mend = `free some space below ${path}, or move the data dir with --data-dir`;
  if (freeBytes < freeBytesMin)
    return finding('disk', 'wrong', `the disk of ${path} is full: ${free} left`, mend);
  if (freeFiles !== undefined && freeFiles < freeFilesMin) {
    const what = `the disk of ${path} takes only ${count(freeFiles, 'more file')}`;
    return finding('disk', 'wrong', what, `delete files there, or move it with --data-dir`);
  }
  const verdict = freeBytes < freeBytesLow ? 'warning' : 'ok';
  return finding('disk', verdict, `${free} left at ${path}`, verdict === 'ok' ? '' : mend);
}

export function openFilesFinding({ openFiles, settings }: Facts): Finding {
  if (openFiles === undefined)
    return finding('open-files', 'unknown', 'this system does not say how many files may be open');
  const { limit, open } = openFiles;
  const need = (settings.kind === 'read' ? settings.config.connectionsMax : 0) + otherFiles;
  const now = open === undefined ? '' : `, ${open} are`;
  const mend = `raise it to ${Math.max(4_096, 2 * need)}: LimitNOFILE= in the unit, or ulimit -n before the start`;
  if (limit < need) {
    const what = `only ${limit} files and sockets may be open${now}, and a daemon may need ${need}`;
    return finding('open-files', 'wrong', what, mend);
  }
  if (open !== undefined && open > limit * 0.9)
    return finding(
      'open-files',
      'wrong',
      `of ${limit} files and sockets that may be open${now}`,
      mend,
    );
  const many = limit === Infinity ? 'any number of' : String(limit);
  return finding('open-files', 'ok', `${many} files and sockets may be open${now}`);
}

export function portsFinding(ports: readonly PortFacts[]): Finding {
  const bad = ports.find(({ state }) => ['taken', 'unusable', 'silent'].includes(state));
  if (ports.length === 0) return finding('ports', 'unknown', 'none are known');
  if (bad === undefined) {
    const isRunning = ports.some(({ state }) => state === 'answers');
    const listed = ports.map(({ what, address }) => `${what} ${address}`).join(', ');
    return finding('ports', 'ok', `${isRunning ? 'reached' : 'free'}: ${listed}`);
  }
  const { what, flag, address, state, problem } = bad;
  const where = `${what} ${address}`;
  switch (state) {
    case 'taken': {
      const mend = `"ss -ltnp" shows who listens there: stop that one, or give another ${flag}`;
      return finding('ports', 'wrong', `${where} is taken by another process`, mend);
    }
    case 'unusable': {
      const mend = `give an address and port of this host with ${flag}`;
      return finding('ports', 'wrong', `nothing can listen at ${where}: ${problem}`, mend);
    }
    default: {
      const mend = `open the port in the firewall, or set ${flag} to what others can reach`;
      return finding('ports', 'wrong', `nobody answers at ${where}: ${problem}`, mend);
    }
  }
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
