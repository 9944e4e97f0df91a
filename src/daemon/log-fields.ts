/**
 * What may stand in a line of the log: fields are copied within bounds, and secrets are left out.
 *
 * Names, reasons, paths and errors come from other nodes, from callers and from libraries; none of
 * them may fill the disk with one entry, nor carry a key into it.
 */

/** Of one text; what is longer says how much is missing. */
export const textCharsMax = 4_096;
/** Of one list or object. */
export const itemsMax = 100;
/** Lists and objects within each other. */
export const depthMax = 5;
/** Texts of one entry together, and items of all its lists and objects. */
export const entryCharsMax = 32_768;
export const entryItemsMax = 1_000;

const redacted = '[redacted]';
const secretName =
  /^(?:.*[-_.])?(?:authorization|cookie|set-cookie|pass(?:word|phrase)?|secret|token|(?:api|private|secret|signing|access)[-_]?key|credentials?)$/i;
/** Secrets that give themselves away wherever they stand: what is captured stays. */
const secretTexts: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, redacted],
  [/\b(bearer|basic)\s+[\w.~+/-]{8,}=*/gi, `$1 ${redacted}`],
  [/(\b[a-z][a-z0-9+.-]{0,15}:\/\/[^\s:/@]{0,128}:)[^\s/@]{1,256}@/gi, `$1${redacted}@`],
];

/** A copy of the fields of an entry, small enough and without secrets. Never throws. */
export function safeFields(fields: object): Record<string, unknown> {
  const budget = { chars: entryCharsMax, items: entryItemsMax };
  return safeObject(fields, 1, budget);
}

/** What an entry may still take. */
interface Budget {
  chars: number;
  items: number;
}

function safeValue(name: string, value: unknown, depth: number, budget: Budget): unknown {
  if (secretName.test(kebab(name)) && value !== undefined) return redacted;
  switch (typeof value) {
    case 'string':
      return safeText(value, budget);
    case 'bigint':
      return value.toString();
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'symbol':
    case 'function':
      return `[${typeof value}]`;
    case 'object':
      return value === null ? null : safeThing(value, depth, budget);
  }
}

function safeThing(value: object, depth: number, budget: Budget): unknown {
  if (value instanceof Error) return safeText(`${value.name}: ${value.message}`, budget);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Date) return safeText(String(value), budget);
  if (depth >= depthMax) return '[deeper]';
  return Array.isArray(value)
    ? safeList(value, depth + 1, budget)
    : safeObject(value, depth + 1, budget);
}

function safeList(list: readonly unknown[], depth: number, budget: Budget): unknown[] {
  const safe: unknown[] = [];
  for (const item of list) {
    if (!mayTake(safe.length, budget)) return [...safe, `[${list.length - safe.length} more]`];
    safe.push(safeValue('', item, depth, budget));
  }
  return safe;
}

function safeObject(value: object, depth: number, budget: Budget): Record<string, unknown> {
  const safe: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  let taken = 0;
  try {
    const names = Object.keys(value);
    for (const name of names) {
      if (!mayTake(taken, budget)) {
        safe['more'] = `[${names.length - taken} more]`;
        return safe;
      }
      taken += 1;
      const item = (value as Record<string, unknown>)[name];
      safe[safeText(name, budget)] = safeValue(name, item, depth, budget);
    }
  } catch (error) {
    // A getter that throws.
    safe['unreadable'] = safeText(String(error), budget);
  }
  return safe;
}

/** One item more, of a list or object that has so many already. */
function mayTake(taken: number, budget: Budget): boolean {
  if (taken >= itemsMax || budget.items <= 0) return false;
  budget.items -= 1;
  return true;
}

function safeText(text: string, budget: Budget): string {
  const charsMax = Math.min(textCharsMax, budget.chars);
  // A secret that begins before the cut is still whole within twice as much.
  const within = text.slice(0, 2 * textCharsMax);
  const told = secretTexts.reduce(
    (left, [secret, instead]) => left.replace(secret, instead),
    within,
  );
  const shown = told.slice(0, charsMax);
  budget.chars -= shown.length;
  const missing = text.length - within.length + (told.length - shown.length);
  return missing > 0 ? `${shown}… [${missing} more characters]` : shown;
}

/** `privateKey` as `private-key`. */
function kebab(name: string): string {
  return name.slice(0, 64).replace(/([a-z])([A-Z])/g, '$1-$2');
}
