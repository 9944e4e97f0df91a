/** EnumWords: the values of a proto enum as people write them, and back. */

export class EnumWords {
  /** In the order of the proto, without the unspecified one. */
  readonly words: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #words: ReadonlyMap<number, string>;

  /**
   * @param values of the generated enum; 0 is the unspecified one
   * @param prefix that all names share: `HEALTH_` makes `HEALTH_PASSING` `passing`
   */
  constructor(values: Readonly<Record<string, string | number>>, prefix = '') {
    const pairs = Object.entries(values).flatMap(([name, value]): [string, number][] =>
      typeof value === 'number' && value !== 0
        ? [[name.slice(prefix.length).toLowerCase(), value]]
        : [],
    );
    this.words = pairs.map(([word]) => word);
    this.#numbers = new Map(pairs);
    this.#words = new Map(pairs.map(([word, value]) => [value, word]));
  }

  /** @returns undefined for what is unspecified or not known */
  word(value: number | null | undefined): string | undefined {
    return this.#words.get(value ?? 0);
  }

  /** @returns 0, the unspecified one, for a word that is none of them */
  number(word: string | undefined): number {
    return this.#numbers.get(word ?? '') ?? 0;
  }
}
