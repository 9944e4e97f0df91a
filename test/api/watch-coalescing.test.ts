/** What a watcher is told of an instance that changes faster than it reads, or while it is away. */
import fc from 'fast-check';
import t from 'tap';
import { WatchSession } from '../../src/api/watch.ts';
import type { WatchMessage, WatchSink } from '../../src/api/watch.ts';
import { disco } from '../../src/gen/discovery.js';
import { makeRecord, makeSealed, signerOf } from '../record/fixtures.ts';
import { lineOf, Node } from './fixture.ts';

const { Kind } = disco.v1.WatchEvent;
const owner = signerOf(2).owner;
const lagMax = 5_000;

/** A reader that takes so many events, and keeps what it is told as a client does. */
class Reader implements WatchSink {
  readonly node: Node;
  readonly told = new Map<string, string>();
  readonly lines: string[] = [];
  cursor = '';
  room = Infinity;
  session: WatchSession;

  constructor(node: Node) {
    this.node = node;
    this.session = this.#open();
  }

  write(event: WatchMessage): boolean {
    this.lines.push([lineOf(event), event.instance?.version].filter(Boolean).join(' '));
    if (event.kind === Kind.SNAPSHOT_BEGIN) this.told.clear();
    const { instance } = event;
    if (instance != null) {
      const key = `${instance.group}/${instance.name}/${instance.instanceId}`;
      if (event.kind === Kind.UP) this.told.set(key, instance.version ?? '');
      else this.told.delete(key);
    }
    this.cursor = event.cursor ?? this.cursor;
    this.room -= 1;
    return this.room > 0;
  }

  fail(error: Error): void {
    throw error;
  }

  /** Goes on reading. */
  take(count: number): string[] {
    this.lines.length = 0;
    this.room = count;
    this.session.resume();
    return [...this.lines];
  }

  /** Comes back with the last cursor that it read. */
  comeBack(): void {
    this.session.close();
    this.lines.length = 0;
    this.session = this.#open();
  }

  #open(): WatchSession {
    const session = new WatchSession(this.node.registry, { cursor: this.cursor }, this, lagMax);
    this.session = session;
    session.start();
    return session;
  }
}

/** Node 2 says what it has: versions by instance. */
function say(node: Node, versions: Readonly<Record<string, string>>): void {
  const fields = { owner, group: 'math', name: 'add' };
  node.hear(
    2,
    Object.entries(versions).map(([instanceId, version]) =>
      makeSealed({ ...fields, instanceId, version }),
    ),
  );
}

t.test('who reads slowly is told of an instance once, as it is by then', async (t) => {
  const node = new Node();
  say(node, { a: '0', b: '0' });
  const reader = new Reader(node);
  reader.room = 0;
  for (let version = 1; version <= 900; version++) {
    say(node, { a: String(version), ...(version < 500 ? { b: String(version) } : {}) });
    await Promise.resolve();
  }
  const lines = reader.take(Infinity);
  t.equal(lines.at(-1), 'UP math/add a 900');
  t.equal(
    lines.findLast((line) => line.includes(' b ')),
    'DOWN math/add b replaced 499',
  );
  t.ok(lines.length <= 4, `${lines.length} events, not 1,400: one of each in a thousand`);
});

t.test('what is left out is told in the order of what is told last', (t) => {
  const node = new Node();
  const reader = new Reader(node);
  const { cursor } = reader;
  say(node, { a: '1' });
  say(node, { a: '1', b: '1' });
  say(node, { a: '2', b: '1' });
  say(node, { a: '2', b: '1', c: '1' });
  reader.cursor = cursor;
  reader.comeBack();
  t.strictSame(reader.lines, ['UP math/add b 1', 'UP math/add a 2', 'UP math/add c 1']);
  t.end();
});

t.test('an instance that came and went meanwhile is told to be gone', (t) => {
  const node = new Node();
  const reader = new Reader(node);
  const { cursor } = reader;
  say(node, { a: '1' });
  say(node, {});
  reader.cursor = cursor;
  reader.comeBack();
  t.strictSame(reader.lines, ['DOWN math/add a replaced 1']);
  say(node, { a: '2' });
  say(node, {});
  say(node, { a: '3' });
  reader.comeBack();
  t.strictSame(reader.lines, ['UP math/add a 3'], 'and one that went and came, as it is');
  t.end();
});

t.test('instances of two owners under one id are not taken for one', (t) => {
  const node = new Node();
  const reader = new Reader(node);
  const { cursor } = reader;
  for (const key of [2, 3])
    node.hear(key, [makeSealed({ ...makeRecord(), owner: signerOf(key).owner })]);
  reader.cursor = cursor;
  reader.comeBack();
  t.equal(reader.lines.length, 2);
  t.end();
});

t.test(
  'however slowly one reads, and wherever one is cut off, one ends with the truth',
  async (t) => {
    const versions = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('1', '2'));
    const step = fc.oneof(
      versions.map((said) => ({ kind: 'say', said }) as const),
      fc.nat(3).map((count) => ({ kind: 'take', count: count + 1 }) as const),
      fc.constant({ kind: 'comeBack' } as const),
      fc.constant({ kind: 'turn' } as const),
    );
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const node = new Node();
      const reader = new Reader(node);
      for (const one of steps) {
        if (one.kind === 'say') say(node, one.said);
        else if (one.kind === 'take') reader.take(one.count);
        else if (one.kind === 'comeBack') reader.comeBack();
        else await Promise.resolve();
      }
      reader.take(Infinity);
      await Promise.resolve();
      const shown = node.registry.index.list().map(({ record }) => {
        const { group, name, instanceId, version } = record;
        return [`${group}/${name}/${instanceId}`, version] as const;
      });
      t.strictSame(
        new Map([...reader.told].sort(([one], [other]) => (one < other ? -1 : 1))),
        new Map(shown),
      );
    });
    await fc.assert(property, { seed: 20_250_603, numRuns: 300 });
  },
);
