/**
 * The guard in front of every executable: runs an entry on a Node.js that can, or says what is
 * missing in one line. Never a crash.
 *
 * An older Node.js must be able to parse this file to print that line, so it keeps to ES2019,
 * import.meta aside, and to module names without `node:`.
 */
import { spawn, spawnSync } from 'child_process';
import { existsSync, mkdirSync, statSync } from 'fs';
import module from 'module';
import { homedir } from 'os';
import { dirname, join, sep } from 'path';
import { fileURLToPath, pathToFileURL } from 'url';

/** The oldest Node.js, as major and minor. */
const oldest = [22, 13];

/** Names the process that respawned this one, so that a parent of another kind is left alone. */
const launcherVariable = 'DISCO_LAUNCHER_PID';

// The child has a session of its own, so what the terminal sends arrives here alone and is passed
// on once. In one group Ctrl-C would reach it twice, and a second signal ends a daemon at once.
const forwardedSignals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGWINCH', 'SIGCONT'];

/**
 * What to do, from facts alone: `run` this file, `respawn` on that runtime, or `refuse`.
 *
 * @param facts version, platform: of this process; root: the package's folder; entry: such as
 *   `cli/main`; stripsTypes: whether this Node.js does so without a flag; exists(path);
 *   versionAt(path): the version of the Node.js at that path, undefined when it does not run
 */
export function decide(facts) {
  if (facts.platform === 'win32') {
    return refuse('disco does not support Windows; use Linux, macOS or WSL 2.');
  }
  return isNewEnough(facts.version) ? chooseFile(facts) : chooseRuntime(facts);
}

/** Runs src/<entry>.ts or dist/<entry>.js of this package, here or on the pinned runtime. */
export function launch(entry) {
  const decision = decide({
    entry,
    version: process.versions.node,
    platform: process.platform,
    root: join(dirname(fileURLToPath(import.meta.url)), '..'),
    stripsTypes: Boolean(process.features.typescript),
    exists: existsSync,
    versionAt,
  });
  if (decision.kind === 'refuse') {
    process.stderr.write(decision.message + '\n');
    process.exitCode = 1;
  } else if (decision.kind === 'respawn') {
    respawn(decision.runtime);
  } else {
    run(decision.file);
  }
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}

function chooseFile({ root, entry, stripsTypes, exists }) {
  const source = join(root, 'src', entry + '.ts');
  const built = join(root, 'dist', entry + '.js');
  // Node.js strips no types below node_modules. src/gen: a fresh clone has none before npm ci.
  const canRunSource = stripsTypes && !isInstalled(root) && exists(join(root, 'src', 'gen'));
  if (canRunSource && exists(source)) return { kind: 'run', file: source };
  if (exists(built)) return { kind: 'run', file: built };
  return refuse('disco is not built yet; run `npm ci` (or `npm run build`) in ' + root + ' first.');
}

function chooseRuntime({ root, version, platform, exists, versionAt: versionOf }) {
  const candidates = [join(root, 'node_modules', '.bin', 'node')];
  if (isInstalled(root)) candidates.push(join(root, '..', '.bin', 'node'));
  const runtime = candidates.filter(exists).find((path) => {
    const found = versionOf(path);
    return found !== undefined && isNewEnough(found);
  });
  if (runtime !== undefined) return { kind: 'respawn', runtime };
  const npmBringsOne = platform === 'linux' && exists(join(root, 'runtime', 'package.json'));
  const advice = npmBringsOne
    ? 'run `npm ci` in ' + root + ', which brings one, or install a newer Node.js.'
    : 'install a newer one from https://nodejs.org.';
  const needed = oldest.join('.');
  return refuse('disco needs Node.js ' + needed + ' or newer; this is v' + version + '; ' + advice);
}

function refuse(message) {
  return { kind: 'refuse', message };
}

function isInstalled(root) {
  return root.split(sep).includes('node_modules');
}

// Asked, not believed: the link can be there for another processor or another libc.
function versionAt(path) {
  const { status, stdout } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 10000 });
  return status === 0 ? stdout.trim().replace(/^v/, '') : undefined;
}

function run(file) {
  endWithLauncher();
  enableCompileCache();
  void import(pathToFileURL(file).href);
}

/**
 * Compiled code is kept where nobody else can write: what is read from there is run. Node.js' own
 * choice is the folder for temporary files, which belongs to all.
 */
function enableCompileCache() {
  if (!module.enableCompileCache) return;
  // Whoever sets this has chosen a folder, and Node.js has read it already.
  if (process.env.NODE_COMPILE_CACHE) return void module.enableCompileCache();
  const folder = privateFolder(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'));
  if (folder !== undefined) module.enableCompileCache(folder);
}

/** The folder of this program below that one; undefined when it is not this user's alone. */
export function privateFolder(parent) {
  try {
    const folder = join(parent, 'disco', 'compiled');
    // One after the other: no home is made for a user that has none.
    for (const path of [parent, dirname(folder), folder]) {
      if (!existsSync(path)) mkdirSync(path, { mode: 0o700 });
    }
    const isOurs = [folder, dirname(folder)].every((path) => {
      const { mode, uid } = statSync(path);
      return (mode & 0o022) === 0 && uid === process.getuid();
    });
    return isOurs ? folder : undefined;
  } catch {
    // No home, or one that cannot be written: it starts a little slower.
    return undefined;
  }
}

// The launcher killed with -9 cannot pass that on, but its end of the channel closes.
function endWithLauncher() {
  const isChild = process.env[launcherVariable] === String(process.ppid);
  delete process.env[launcherVariable];
  if (!isChild || !process.channel) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel.unref();
}

function respawn(runtime) {
  const child = spawn(runtime, process.execArgv.concat(process.argv.slice(1)), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: Object.assign({}, process.env, { [launcherVariable]: String(process.pid) }),
    detached: true,
  });
  for (const signal of forwardedSignals) process.on(signal, () => child.kill(signal));
  process.on('SIGTSTP', () => {
    child.kill('SIGSTOP');
    process.kill(process.pid, 'SIGSTOP');
  });
  child.once('error', (error) => {
    process.stderr.write('disco could not start ' + runtime + ': ' + error.message + '\n');
    process.exit(1);
  });
  child.once('exit', mirrorEnd);
}

function mirrorEnd(code, signal) {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.exitCode = 1;
  process.kill(process.pid, signal);
}
