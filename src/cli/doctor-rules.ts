/**
 * What a doctor makes of what was found: one finding a question, with the mend where something is
 * wrong. Facts are arguments; nothing here asks the host or the network.
 */
import { formatAddress, isLoopback, parseAddress, toMultiaddr } from '../base/address.ts';
import { advertisedAddresses } from '../daemon/addresses.ts';
import type { DaemonFacts, Facts, SeedFacts, SettingsFacts } from './doctor-facts.ts';
import { openFilesFinding, portsFinding } from './doctor-host-rules.ts';
import { dataDirFinding, diskFinding, nodeFinding } from './doctor-host-rules.ts';
import { count, finding } from './finding.ts';
import type { Finding } from './finding.ts';

const clockTrouble = /(?:^|; )(the clock of this host .*)$/s;

/** All findings, in the order in which they are best mended. */
export function judge(facts: Facts): Finding[] {
  return [
    nodeFinding(facts.nodeVersion),
    settingsFinding(facts.settings),
    daemonFinding(facts),
    dataDirFinding(facts.dataDir),
    diskFinding(facts.disk),
    openFilesFinding(facts),
    portsFinding(facts.ports),
    dnsFinding(facts.seeds),
    seedsFinding(facts),
    advertiseFinding(facts),
    clusterFinding(facts.daemon),
    clockFinding(facts),
    versionsFinding(facts),
  ];
}

function settingsFinding(settings: SettingsFacts): Finding {
  if (settings.kind === 'read') return finding('config', 'ok', 'the configuration is sound');
  const mend = 'mend the flag, variable or file that is named';
  return finding('config', 'wrong', settings.problem, mend);
}

function daemonFinding({ daemon, dataDir }: Facts): Finding {
  if (daemon.kind === 'running') {
    const { ready, readiness, pid, name } = daemon.status;
    const who = `${name} runs with pid ${pid}`;
    if (ready) return finding('daemon', 'ok', `${who}, ${readiness.replace(clockTrouble, '')}`);
    const mend = 'wait for it, or mend what is found about seeds and ports below';
    return finding('daemon', 'warning', `${who} and is not ready: ${readiness}`, mend);
  }
  const holder = dataDir?.holder;
  if (holder === undefined)
    return finding('daemon', 'wrong', daemon.problem, 'start one: disco start');
  const what = `${daemon.problem}; the process with pid ${holder} holds the data dir`;
  const mend = `look what it does, and name its address with --addr, or end it: kill ${holder}`;
  return finding('daemon', 'wrong', what, mend);
}

function dnsFinding(seeds: readonly SeedFacts[]): Finding {
  const named = seeds.filter(({ address, ips }) => ips.length !== 1 || ips[0] !== address.host);
  const unknown = seeds.filter(({ ips }) => ips.length === 0);
  if (named.length === 0) return finding('dns', 'ok', 'no seed node has a name to look up');
  if (unknown.length === 0)
    return finding('dns', 'ok', `the names of ${count(named.length, 'seed node')} are known`);
  const names = unknown.map(({ address, problem }) => `${address.host} (${problem})`).join(', ');
  const what = `names of seed nodes that are not known here: ${names}`;
  const mend =
    'mend the name in --seeds, or the resolver of this host (/etc/resolv.conf), or write IP addresses';
  return finding('dns', 'wrong', what, mend);
}

function seedsFinding({ seeds, settings, daemon }: Facts): Finding {
  if (settings.kind === 'bad')
    return finding('seeds', 'unknown', 'not known: the configuration cannot be read');
  const links = daemon.kind === 'running' ? daemon.status.links : 0;
  if (seeds.length === 0) return noSeeds(links);
  const lost = seeds.filter(({ isReached }) => !isReached);
  if (lost.length === 0)
    return finding('seeds', 'ok', `${count(seeds.length, 'seed node')} answered`);
  const listed = lost.map(({ address, problem }) => `${formatAddress(address)} (${problem})`);
  const what = `${lost.length} of ${count(seeds.length, 'seed node')} did not answer: ${listed.join(', ')}`;
  const mend =
    'start a daemon there, open its gossip port in the firewalls between, or take it out of --seeds';
  const isCutOff = lost.length === seeds.length && links === 0;
  return finding('seeds', isCutOff ? 'wrong' : 'warning', what, mend);
}

function noSeeds(links: number): Finding {
  if (links > 0)
    return finding('seeds', 'ok', `none are set, and ${count(links, 'node')} linked all the same`);
  const what = 'no seed nodes are set: this node meets others only when they dial it';
  const mend = 'give the doctor the --seeds or the --config of the daemon, or set some';
  return finding('seeds', 'warning', what, mend);
}

function advertiseFinding({ daemon, settings, seeds }: Facts): Finding {
  const told = advertisedOf(daemon, settings);
  if (told === undefined)
    return finding('advertise', 'unknown', 'not known: the configuration cannot be read');
  const shown = told.map((text) => formatAddress(parseAddress(text))).join(', ');
  const isLocal = told.every((text) => isLoopback(parseAddress(text).host));
  const other = elsewhere(daemon, seeds);
  if (!isLocal || other === undefined)
    return finding('advertise', 'ok', `others are told to dial ${shown}`);
  const what = `others are told to dial ${shown}, which only this host can, while ${other} is on another`;
  const mend =
    'in a network that you trust: --listen 0.0.0.0:7947 --insecure-open, or with --advertise the address of this host';
  return finding('advertise', 'wrong', what, mend);
}

function advertisedOf(daemon: DaemonFacts, settings: SettingsFacts): readonly string[] | undefined {
  if (daemon.kind === 'running') return daemon.status.advertise;
  if (settings.kind === 'bad') return undefined;
  const { advertise, listen } = settings.config;
  return advertisedAddresses(
    advertise,
    listen.map((text) => toMultiaddr(parseAddress(text))),
  );
}

/** A seed node or a member that is not on this host. */
function elsewhere(daemon: DaemonFacts, seeds: readonly SeedFacts[]): string | undefined {
  const seed = seeds.find(({ address, ips }) => {
    const isHere = isLoopback(address.host) || (ips.length > 0 && ips.every(isLoopback));
    return !isHere;
  });
  if (seed !== undefined) return `the seed node ${formatAddress(seed.address)}`;
  const members = daemon.kind === 'running' ? daemon.members : [];
  const member = members.find(
    ({ self, state, addresses }) =>
      !self && state === 'alive' && addresses.some((text) => !isLoopback(parseAddress(text).host)),
  );
  return member === undefined ? undefined : `the member ${member.name}`;
}

function clusterFinding(daemon: DaemonFacts): Finding {
  if (daemon.kind === 'away') return finding('cluster', 'unknown', 'no daemon to ask');
  const { cluster, refused, links } = daemon.status;
  const greetings = refused['WRONG_CLUSTER'] ?? 0;
  if (greetings === 0)
    return finding('cluster', 'ok', `nobody of another cluster than "${cluster}" was met`);
  const what = `${count(greetings, 'greeting')} between this node, of cluster "${cluster}", and nodes of another cluster were refused`;
  const mend = 'give all the same --cluster, or this node other --seeds';
  return finding('cluster', links === 0 ? 'wrong' : 'warning', what, mend);
}

function clockFinding({ daemon, isClockKept }: Facts): Finding {
  const keep = 'set the clock, and keep it with systemd-timesyncd, chrony or ntpd';
  if (daemon.kind === 'running') {
    const trouble = clockTrouble.exec(daemon.status.readiness)?.[1];
    if (trouble !== undefined) return finding('clock', 'wrong', trouble, keep);
    const ahead = daemon.status.refused['CLOCK_AHEAD'] ?? 0;
    const what = `${count(ahead, 'head')} of other nodes came from the future and were refused`;
    const mend = `look at the clocks of all hosts: ${keep}`;
    if (ahead > 0) return finding('clock', 'warning', what, mend);
  }
  const agreed = daemon.kind === 'running' && daemon.status.links > 0;
  const peers = agreed ? ", and it agrees with the peers'" : '';
  if (isClockKept === true) return finding('clock', 'ok', `the clock is kept by NTP${peers}`);
  if (isClockKept === false)
    return finding('clock', 'warning', `the clock is not kept by NTP${peers}`, keep);
  if (agreed) return finding('clock', 'ok', "the clock agrees with the peers'");
  return finding('clock', 'unknown', 'no peer to compare it with, and no timedatectl to ask');
}

function versionsFinding({ daemon, version }: Facts): Finding {
  if (daemon.kind === 'away') return finding('versions', 'unknown', 'no daemon to ask');
  const { status, members } = daemon;
  const strangers = status.refused['PROTOCOL_VERSION'] ?? 0;
  const update = 'bring all nodes to the same release, a few at a time';
  const isApart = `${count(strangers, 'greeting')} were refused: those nodes speak another version of the protocol`;
  if (strangers > 0 && status.links === 0) return finding('versions', 'wrong', isApart, update);
  const others = members.filter(
    (member) => member.state === 'alive' && releaseOf(member.version) !== releaseOf(status.version),
  );
  if (others.length > 0) {
    const named = others.slice(0, 5).map((member) => `${member.name} ${member.version}`);
    const listed = others.length > named.length ? [...named, '…'] : named;
    const what = `${count(others.length, 'member')} not of release ${status.version}: ${listed.join(', ')}`;
    return finding('versions', 'warning', what, update);
  }
  if (strangers > 0) return finding('versions', 'warning', isApart, update);
  if (version === status.version)
    return finding('versions', 'ok', `this program, the daemon and the members: ${version}`);
  const what = `this program is of release ${version}, the daemon of ${status.version}`;
  return finding('versions', 'warning', what, 'start the daemon again after an update');
}

/** What has to be equal: major and minor. */
function releaseOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}
