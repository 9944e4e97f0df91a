import { test } from 'tap';
import { seededRandom } from '../../src/base/random.ts';
import { Broadcast, Mesh } from '../../src/sim/mesh.ts';
import type { MeshPort, Packet } from '../../src/sim/mesh.ts';

const options = { d: 3, dLow: 2, dHigh: 4 };

interface Rig {
  readonly mesh: Mesh;
  readonly passed: string[];
  readonly port: MeshPort & { verdict: 'accept' | 'ignore'; atMs: number };
}

function rig(peers = 0): Rig {
  const passed: string[] = [];
  const port = {
    self: 'self',
    index: 0,
    verdict: 'accept' as const,
    atMs: 0,
    nowMs: (): number => port.atMs,
    pass: (peer: string, packet: Packet): void => void passed.push(`${packet.kind} ${peer}`),
    judge: (): 'accept' | 'ignore' => port.verdict,
  };
  const mesh = new Mesh(port, options, seededRandom(1));
  for (let i = 1; i <= peers; i++) mesh.linked(`p${i}`, i, i % 2 === 0);
  return { mesh, passed, port };
}

const broadcast = (size = 10): Packet => {
  return { kind: 'broadcast', broadcast: new Broadcast(new Uint8Array(size)) };
};

test('an own message goes to all peers', (t) => {
  const { mesh, passed } = rig(5);
  mesh.publish(new Uint8Array(3));
  t.strictSame(
    passed,
    [1, 2, 3, 4, 5].map((i) => `broadcast p${i}`),
  );
  t.end();
});

test('a heartbeat grafts up to d when the mesh is too small, and leaves it alone above', (t) => {
  const { mesh, passed } = rig();
  for (let i = 1; i <= 6; i++) mesh.linked(`p${i}`, i, true);
  mesh.heartbeat();
  t.equal(mesh.size, options.d);
  t.equal(passed.filter((line) => line.startsWith('graft')).length, options.d);
  passed.length = 0;
  mesh.receive('p1', { kind: 'graft' });
  mesh.heartbeat();
  t.strictSame(
    passed.filter((line) => line.startsWith('graft')),
    [],
  );
  t.end();
});

test('a heartbeat prunes to d what has grown above dHigh, and outbound peers may', (t) => {
  const { mesh, passed } = rig(10);
  for (const peer of ['p1', 'p2', 'p3', 'p4', 'p6', 'p8']) mesh.receive(peer, { kind: 'graft' });
  t.equal(mesh.size, 6, 'those that were dialed come in above dHigh too');
  mesh.receive('p5', { kind: 'graft' });
  t.ok(passed.includes('prune p5'), 'others are sent away');
  mesh.heartbeat();
  t.equal(mesh.size, options.d);
  t.end();
});

test('a pruned peer is not grafted again before its backoff of a minute', (t) => {
  const { mesh, port, passed } = rig(1);
  mesh.receive('p1', { kind: 'graft' });
  mesh.receive('p1', { kind: 'prune' });
  mesh.heartbeat();
  t.equal(mesh.size, 0);
  mesh.receive('p1', { kind: 'graft' });
  t.strictSame(passed, ['prune p1']);
  port.atMs = 120_001;
  mesh.heartbeat();
  t.equal(mesh.size, 1);
  t.end();
});

test('a first copy that is accepted goes to the mesh but not back; a second is counted', (t) => {
  const { mesh, passed } = rig(3);
  for (const peer of ['p1', 'p2', 'p3']) mesh.receive(peer, { kind: 'graft' });
  const packet = broadcast();
  mesh.receive('p1', packet);
  t.strictSame(passed, ['broadcast p2', 'broadcast p3']);
  mesh.receive('p2', packet);
  t.strictSame([mesh.firsts, mesh.duplicates, passed.length], [1, 1, 2]);
  t.end();
});

test('what the handler ignores is not passed on', (t) => {
  const { mesh, passed, port } = rig(2);
  for (const peer of ['p1', 'p2']) mesh.receive(peer, { kind: 'graft' });
  Object.assign(port, { verdict: 'ignore' });
  mesh.receive('p1', broadcast());
  t.strictSame(passed, []);
  t.end();
});

test('a large message is announced as not wanted, and not sent to who announced it', (t) => {
  const { mesh, passed } = rig(2);
  for (const peer of ['p1', 'p2']) mesh.receive(peer, { kind: 'graft' });
  const packet = broadcast(512);
  mesh.receive('p1', packet);
  t.strictSame(passed, ['dontWant p2', 'broadcast p2']);

  const told = rig(2);
  for (const peer of ['p1', 'p2']) told.mesh.receive(peer, { kind: 'graft' });
  const large = new Broadcast(new Uint8Array(512));
  told.mesh.receive('p2', { kind: 'dontWant', broadcast: large });
  told.mesh.receive('p1', { kind: 'broadcast', broadcast: large });
  t.strictSame(told.passed, ['dontWant p2']);
  t.end();
});

test('what was heard is offered outside the mesh for three heartbeats, and sent when asked', (t) => {
  const { mesh, passed } = rig(1);
  mesh.linked('outside', 9, false);
  mesh.receive('outside', { kind: 'prune' });
  const packet = broadcast();
  mesh.receive('p1', packet);
  for (let beat = 1; beat <= 5; beat++) mesh.heartbeat();
  t.equal(passed.filter((line) => line === 'have outside').length, 3);
  t.end();
});

test('an offer of something unseen is answered by asking for it', (t) => {
  const { mesh, passed } = rig(1);
  const seen = new Broadcast(new Uint8Array(1));
  mesh.receive('p1', { kind: 'broadcast', broadcast: seen });
  passed.length = 0;
  mesh.receive('p1', { kind: 'have', broadcasts: [seen] });
  t.strictSame(passed, []);
  mesh.receive('p1', { kind: 'have', broadcasts: [new Broadcast(new Uint8Array(1))] });
  t.strictSame(passed, ['want p1']);
  mesh.receive('p1', { kind: 'want', broadcasts: [seen] });
  t.strictSame(passed, ['want p1', 'broadcast p1']);
  t.end();
});
