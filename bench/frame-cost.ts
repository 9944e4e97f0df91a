/**
 * What it costs to send a small frame over a link and to get one back, at both ends together: with
 * noise and yamux as they come, and with half of their packets, as links have them.
 *
 *   node bench/frame-cost.ts
 */
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { Libp2p } from '@libp2p/interface';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { FrameReader, FrameWriter } from '../src/gossip/frame-stream.ts';
import { leanNoise, leanYamux } from '../src/gossip/lean-connection.ts';
import { quantiles } from './quantiles.ts';

const protocol = '/bench/1';
const frameBytes = 60;
const warmups = 2_000;
const times = 2_000;
const rounds = 5;

interface Stack {
  readonly encrypter: typeof noise;
  readonly muxer: typeof yamux;
}

/** A node that hands over its frames, and where they go back. */
async function nodeOf({ encrypter, muxer }: Stack, heard: () => void): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp({ socketOptions: { noDelay: true } } as never)],
    connectionEncrypters: [encrypter()],
    streamMuxers: [muxer()],
    connectionMonitor: { enabled: false },
  });
  await node.handle(protocol, (stream) => {
    new FrameReader(frameBytes, heard).start(stream, () => undefined);
  });
  return node;
}

async function writerTo(node: Libp2p, other: Libp2p): Promise<FrameWriter> {
  const writer = new FrameWriter();
  writer.start(await node.dialProtocol(other.getMultiaddrs(), protocol), () => undefined);
  return writer;
}

async function measure(stack: Stack): Promise<number> {
  const frame = new Uint8Array(frameBytes).fill(1);
  let back = (): void => undefined;
  const near = await nodeOf(stack, () => back());
  const far = await nodeOf(stack, () => void answers.write(frame));
  const questions = await writerTo(near, far);
  const answers = await writerTo(far, near);
  const ask = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      back = resolve;
      questions.write(frame);
      await promise;
    }
  };
  await ask(warmups);
  const costs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    await ask(times);
    const { user, system } = process.cpuUsage(before);
    costs.push((user + system) / times);
  }
  await Promise.all([near.stop(), far.stop()]);
  return quantiles(costs).p50;
}

const plain = await measure({ encrypter: noise, muxer: yamux });
const lean = await measure({ encrypter: leanNoise, muxer: leanYamux });
console.log(`as they come       ${plain.toFixed(0)} us of processor time`);
console.log(`half their packets ${lean.toFixed(0)} us`);
