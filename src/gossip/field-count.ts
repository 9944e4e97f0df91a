/**
 * FieldCount: how many fields a message has, before anything is made of them.
 *
 * A field takes two bytes on the wire and a hundred in memory, so a frame of nothing but empty
 * fields would take sixty times its size, and a page, which is compressed, many thousand times.
 * This walk over tags and lengths makes no objects. It judges nothing else: where it can read no
 * further it stops, and the decoder refuses what comes there.
 */

/** The fields of a message that hold messages, by number, with the same of those. */
export interface Nesting {
  readonly [field: number]: Nesting;
}

/** Whether a message, with those nested in it as `nesting` says, has more than `max` fields. */
export function hasMoreFields(bytes: Uint8Array, nesting: Nesting, max: number): boolean {
  return new Walk(bytes, max).count(bytes.length, nesting) > max;
}

class Walk {
  readonly #bytes: Uint8Array;
  readonly #max: number;
  #at = 0;
  #fields = 0;

  constructor(bytes: Uint8Array, max: number) {
    this.#bytes = bytes;
    this.#max = max;
  }

  /** Goes on to `end`. @returns all fields so far */
  count(end: number, nesting: Nesting): number {
    while (this.#at < end && this.#fields <= this.#max) {
      this.#fields += 1;
      const tag = this.#varint();
      const wireType = tag % 8;
      if (wireType === 0) this.#varint();
      else if (wireType === 1) this.#at += 8;
      else if (wireType === 5) this.#at += 4;
      else if (wireType === 2) {
        const length = this.#varint();
        const after = this.#at + length;
        const inner = nesting[Math.floor(tag / 8)];
        if (inner !== undefined && after <= end) this.count(after, inner);
        this.#at = after;
      }
      // The ends of a group are fields without content, and what is between them stands here too.
    }
    return this.#fields;
  }

  #varint(): number {
    let value = 0;
    for (let place = 1; this.#at < this.#bytes.length; place *= 128) {
      const byte = this.#bytes[this.#at++] as number;
      value += (byte % 128) * place;
      if (byte < 128) break;
    }
    return value;
  }
}
