/** The promise of an acknowledgement: what was acknowledged is there, however the daemon dies. */
import { t as file, test } from 'tap';
import { seededRandom, type Random } from '../../src/base/random.ts';
import { Cluster, type Node } from './cluster.ts';

// Each life costs the start of a Node.js, which is long on a crowded machine.
file.setTimeout(300_000);

const kills = 50;
const writers = 4;
const randomSeed = 20_260_121;
/** Some lives end before the daemon answers, most amid registrations. */
const earlyShare = 0.3;
const earlyMsMax = 500;
/** Of all writers together, before a life ends. */
const acknowledgementsMax = 60;
const afterwardsMsMax = 15;

/** What one writer knows of one of its instances: undefined content is "taken back". */
interface Known {
  acknowledged: string | undefined;
  /** Asked for, and the answer is not there yet: either may hold after a crash. */
  asked?: { readonly content: string | undefined };
}

class Writer {
  readonly #group: string;
  readonly #random: Random;
  readonly instances = new Map<string, Known>();
  acknowledged = 0;
  lastUpdate = 0;
  onAcknowledged: () => void = () => undefined;
  #count = 0;

  constructor(number: number, random: Random) {
    this.#group = `writer-${number}`;
    this.#random = random;
  }

  /** Writes one after the other until the daemon is gone. */
  async write(node: Node): Promise<void> {
    const { stub } = node;
    for (;;) {
      const dice = this.#random.next();
      const [id, known] = dice < 0.7 ? this.#newInstance() : this.#anInstance();
      const isLeaving = dice > 0.9 && known.acknowledged !== undefined;
      const content = isLeaving ? undefined : `content ${this.#count++}`;
      const floor = this.lastUpdate;
      known.asked = { content };
      try {
        const name = { group: this.#group, name: 'service', instanceId: id };
        if (content === undefined) await stub.unary('Deregister', name);
        else {
          const place = { ip: '127.0.0.1', port: 7_000 };
          const answer = await stub.unary('Register', { ...name, ...place, metadata: { content } });
          this.lastUpdate = Number(answer.lastUpdate);
          if (this.lastUpdate <= floor) throw new RangeError(`${this.lastUpdate} after ${floor}`);
        }
      } catch (error) {
        if (error instanceof RangeError) throw error;
        return;
      }
      known.acknowledged = content;
      delete known.asked;
      this.acknowledged += 1;
      this.onAcknowledged();
    }
  }

  /** What of it is not as acknowledged. */
  complaints(shown: ReadonlyMap<string, string>): string[] {
    const all = new Set([...this.instances.keys(), ...this.#shownIds(shown)]);
    return [...all].flatMap((id) => {
      const { acknowledged, asked } = this.instances.get(id) ?? { acknowledged: undefined };
      const found = shown.get(`${this.#group} ${id}`);
      const isRight = found === acknowledged || (asked !== undefined && found === asked.content);
      return isRight ? [] : [`${this.#group} ${id} is ${found}, acknowledged was ${acknowledged}`];
    });
  }

  /** After a restart what was asked for has happened or not: from now on it is known. */
  settle(shown: ReadonlyMap<string, string>): void {
    for (const [id, known] of this.instances) {
      if (known.asked === undefined) continue;
      known.acknowledged = shown.get(`${this.#group} ${id}`);
      delete known.asked;
    }
  }

  #shownIds(shown: ReadonlyMap<string, string>): string[] {
    const prefix = `${this.#group} `;
    const own = [...shown.keys()].filter((key) => key.startsWith(prefix));
    return own.map((key) => key.slice(prefix.length));
  }

  #newInstance(): [string, Known] {
    const id = `i-${this.instances.size}`;
    const known: Known = { acknowledged: undefined };
    this.instances.set(id, known);
    return [id, known];
  }

  #anInstance(): [string, Known] {
    return this.#random.pick([...this.instances]) ?? this.#newInstance();
  }
}

/** `group id` to content. */
async function contentOf(node: Node): Promise<Map<string, string>> {
  const { instances } = await node.disco.list();
  return new Map(
    instances.map(({ group, instanceId, metadata }) => [
      `${group} ${instanceId}`,
      String(metadata['content']),
    ]),
  );
}

/** One life that ends by kill -9. @returns complaints about what the life before had acknowledged */
async function oneLife(node: Node, workers: readonly Writer[], random: Random): Promise<string[]> {
  if (random.next() < earlyShare) {
    const early = node.launch();
    setTimeout(() => early.signal('SIGKILL'), random.next() * earlyMsMax);
    await early.ended;
    return [];
  }
  await node.start();
  const shown = await contentOf(node);
  const complaints = workers.flatMap((writer) => writer.complaints(shown));
  for (const writer of workers) writer.settle(shown);
  const dying = node.process;
  let left = 1 + random.int(acknowledgementsMax);
  const afterwardsMs = random.next() * afterwardsMsMax;
  for (const writer of workers)
    writer.onAcknowledged = () => {
      if (--left === 0) setTimeout(() => dying.signal('SIGKILL'), afterwardsMs);
    };
  await Promise.all([dying.ended, ...workers.map((writer) => writer.write(node))]);
  return complaints;
}

test(`killed with -9 ${kills} times it has all that it acknowledged (random seed ${randomSeed})`, async (t) => {
  const random = seededRandom(randomSeed);
  const cluster = new Cluster(t);
  const node = cluster.node('victim');
  const workers = Array.from({ length: writers }, (_, index) => new Writer(index, random));
  const complaints: string[] = [];
  for (let life = 0; life < kills; life++)
    complaints.push(...(await oneLife(node, workers, random)));
  t.strictSame(complaints, []);

  await node.start();
  const shown = await contentOf(node);
  t.strictSame(
    workers.flatMap((writer) => writer.complaints(shown)),
    [],
  );
  t.strictSame((await node.disco.status()).refused, {});
  const acknowledged = workers.reduce((sum, writer) => sum + writer.acknowledged, 0);
  t.ok(acknowledged >= 10 * kills, `${acknowledged} acknowledged, ${shown.size} instances left`);

  const other = await cluster.start('other', { seeds: node.gossip });
  await other.sees((instances) => instances.length === shown.size);
  t.strictSame(await contentOf(other), shown, 'and tells it to others');
});
