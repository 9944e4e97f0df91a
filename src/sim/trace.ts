/** Trace: a running hash over every event in order, so that two runs can be compared. */
export class Trace {
  #a = 0x9e3779b9 | 0;
  #b = 0x243f6a88 | 0;
  #events = 0;

  get events(): number {
    return this.#events;
  }

  /** @param atMs virtual; @param bytes what came, if anything did */
  add(atMs: number, node: number, kind: string, bytes?: Uint8Array): void {
    this.#events += 1;
    const micros = Math.round(atMs * 1_000);
    this.#mix(micros | 0);
    this.#mix(Math.floor(micros / 0x1_0000_0000));
    this.#mix(node);
    for (let i = 0; i < kind.length; i++) this.#mix(kind.charCodeAt(i));
    if (bytes === undefined) return;
    this.#mix(bytes.length);
    // Signatures and hashes are everywhere, so a part tells contents apart.
    for (let i = Math.max(0, bytes.length - 96); i < bytes.length; i++) this.#mix(bytes[i] ?? 0);
  }

  /** 16 hex digits. */
  get hash(): string {
    return [this.#a, this.#b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #mix(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0x85ebca6b);
    this.#a ^= this.#a >>> 15;
    this.#b = (Math.imul(this.#b, 0xc2b2ae35) + (value ^ this.#a)) | 0;
    this.#b = (this.#b << 13) | (this.#b >>> 19);
  }
}
