/**
 * What the models send, and how many bytes memberlist makes of it.
 *
 * msgpack with the names of all fields, several messages in one packet behind a header of lengths,
 * and LZW where that is shorter: as memberlist does it by default, without encryption or labels.
 */

/** About a node; passed on by everybody who hears it for the first time. */
export type Rumor =
  | {
      readonly kind: 'suspect' | 'dead';
      readonly node: number;
      readonly incarnation: number;
      readonly from: number;
    }
  | { readonly kind: 'alive'; readonly node: number; readonly incarnation: number };

export type Message =
  | Rumor
  | { readonly kind: 'ping'; readonly seq: number; readonly node: number; readonly from: number }
  | {
      readonly kind: 'indirect';
      readonly seq: number;
      readonly node: number;
      readonly from: number;
      readonly wantsNack: boolean;
    }
  | { readonly kind: 'ack' | 'nack'; readonly seq: number };

export type SwimState = 'alive' | 'suspect' | 'dead';

/** One line of a full exchange. */
export interface StateLine {
  readonly node: number;
  readonly incarnation: number;
  readonly state: SwimState;
}

/** Header of a packet with several messages, and the same for each of them. */
export const compoundBytes = 2;
export const checksumBytes = 5;

const port = 7_946;
const versions = '\x01\x05\x02\x02\x05\x04';
const stateNumbers: Readonly<Record<SwimState, number>> = { alive: 0, suspect: 1, dead: 2 };

/** A message by itself: its type, and a map. */
export function encode(message: Message): Buffer {
  return Buffer.from(`\0${encodeMap(fieldsOf(message))}`, 'latin1');
}

/** All that a node knows, as a full exchange has it. */
export function encodeStates(lines: readonly StateLine[]): Buffer {
  const header = { Nodes: lines.length, UserStateLen: 0, Join: false };
  const body = lines.map(({ node, incarnation, state }) =>
    encodeMap({
      Name: nameOf(node),
      Addr: addressOf(node),
      Port: port,
      Meta: null,
      Incarnation: incarnation,
      State: stateNumbers[state],
      Vsn: versions,
    }),
  );
  return Buffer.from(`\x06${encodeMap(header)}${body.join('')}`, 'latin1');
}

/** Several messages in one packet. */
export function compound(parts: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(compoundBytes + compoundBytes * parts.length);
  header[0] = 7;
  header[1] = parts.length;
  parts.forEach((part, index) => header.writeUInt16BE(part.length, compoundBytes * (index + 1)));
  return Buffer.concat([header, ...parts]);
}

/** Bytes on the wire, without the headers of UDP, TCP and IP. */
export function sentBytes(bytes: Buffer): number {
  const squeezed = lzwBytes(bytes);
  const length = squeezed < 32 ? 1 : squeezed < 65_536 ? 3 : 5;
  // Type, map, "Algo", its number, "Buf", and its length.
  return Math.min(bytes.length, 1 + 1 + 5 + 1 + 4 + length + squeezed);
}

/** Where a string and one more byte were seen: the number of its table in the high 20 bits. */
const seen = new Uint32Array(2 ** 20);
let table = 0;

/** How long LZW makes it: codes of 9 to 12 bits, with one to begin and one to end. */
export function lzwBytes(bytes: Buffer): number {
  let [width, last, full] = [9, 257, 512];
  let bits = width;
  let code = bytes[0] ?? 0;
  newTable();
  const advance = (): boolean => {
    last += 1;
    if (last === full) {
      width += 1;
      full *= 2;
    }
    if (last < 4_095) return true;
    bits += width;
    [width, last, full] = [9, 257, 512];
    newTable();
    return false;
  };
  for (let index = 1; index < bytes.length; index++) {
    const key = (code << 8) | (bytes[index] as number);
    const entry = seen[key] as number;
    if (entry >>> 12 === table) {
      code = entry & 0xfff;
      continue;
    }
    bits += width;
    if (advance()) seen[key] = ((table << 12) | last) >>> 0;
    code = bytes[index] as number;
  }
  bits += width;
  advance();
  return Math.ceil((bits + width) / 8);
}

/** An empty one, without a look at the entries of the one before. */
function newTable(): void {
  table += 1;
  if (table < 2 ** 20) return;
  seen.fill(0);
  table = 1;
}

/** Bytes are strings, too: one letter each. */
type Value = number | string | boolean | null;
type Fields = Readonly<Record<string, Value>>;

function fieldsOf(message: Message): Fields {
  switch (message.kind) {
    case 'ping':
      return { SeqNo: message.seq, Node: nameOf(message.node), ...sourceOf(message.from) };
    case 'indirect':
      return {
        SeqNo: message.seq,
        Target: addressOf(message.node),
        Port: port,
        Node: nameOf(message.node),
        Nack: message.wantsNack,
        ...sourceOf(message.from),
      };
    case 'ack':
      return { SeqNo: message.seq, Payload: null };
    case 'nack':
      return { SeqNo: message.seq };
    case 'suspect':
    case 'dead':
      return {
        Incarnation: message.incarnation,
        Node: nameOf(message.node),
        From: nameOf(message.from),
      };
    case 'alive':
      return {
        Incarnation: message.incarnation,
        Node: nameOf(message.node),
        Addr: addressOf(message.node),
        Port: port,
        Meta: null,
        Vsn: versions,
      };
  }
}

function sourceOf(node: number): Fields {
  return { SourceAddr: addressOf(node), SourcePort: port, SourceNode: nameOf(node) };
}

function nameOf(node: number): string {
  return `node-${node}`;
}

function addressOf(node: number): string {
  return String.fromCharCode(10, 0, node >> 8, node & 255);
}

function encodeMap(fields: Fields): string {
  let text = '';
  let count = 0;
  for (const name in fields) {
    text += encodeValue(name) + encodeValue(fields[name] as Value);
    count += 1;
  }
  return String.fromCharCode(0x80 | count) + text;
}

/** msgpack as it was before strings and bytes were told apart. Strings of less than 32 bytes. */
function encodeValue(value: Value): string {
  if (value === null) return '\xc0';
  if (typeof value === 'boolean') return value ? '\xc3' : '\xc2';
  if (typeof value === 'string') return String.fromCharCode(0xa0 | value.length) + value;
  if (value < 0x80) return String.fromCharCode(value);
  if (value < 0x100) return String.fromCharCode(0xcc, value);
  if (value < 0x1_0000) return String.fromCharCode(0xcd, value >> 8, value & 0xff);
  const bytes = [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
  return String.fromCharCode(0xce, ...bytes);
}
