/**
 * What a schema has to say of a request, in our own words: which field, what it is, what to do.
 */
import { closestWord } from '../base/spelling.ts';
import type { DiscoError } from '../base/error.ts';
import type { JsonSchema } from './json-schema.ts';
import { invalid, quote } from './validate.ts';

/** Of Ajv with `verbose`, as far as it is looked at. */
export interface SchemaComplaint {
  readonly keyword: string;
  /** A JSON pointer into what was sent. */
  readonly instancePath: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** What is there. */
  readonly data?: unknown;
  readonly parentSchema?: unknown;
}

/** Of many fields that a sentence could name. */
const fieldsShownMax = 20;

/** A query as its schema wants it: numbers, truths and lists, where the text is one. */
export function readQuery(
  schema: JsonSchema,
  query: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const properties = schema['properties'] as Readonly<Record<string, JsonSchema | undefined>>;
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => {
      const type = Object.hasOwn(properties, name) ? properties[name]?.['type'] : undefined;
      return [name, valueOf(type, value)];
    }),
  );
}

function valueOf(type: unknown, value: unknown): unknown {
  if (type === 'array') return Array.isArray(value) ? value : [value];
  if (typeof value !== 'string') return value;
  if (type === 'integer' && /^\d{1,16}$/.test(value)) return Number(value);
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}

/**
 * The error that tells of what Ajv found first.
 *
 * @param part of the request, as Fastify calls it: `body`, `querystring`
 * @returns INVALID_ARGUMENT: INVALID_BODY, INVALID_QUERY
 */
export function schemaFault(complaints: readonly SchemaComplaint[], part: string): DiscoError {
  const [complaint] = complaints;
  const isQuery = part === 'querystring';
  const sentence =
    complaint === undefined ? `the ${part} does not fit` : sentenceOf(complaint, isQuery);
  return invalid(isQuery ? 'INVALID_QUERY' : 'INVALID_BODY', sentence);
}

function sentenceOf(complaint: SchemaComplaint, isQuery: boolean): string {
  const { keyword, params, data } = complaint;
  const schema = (complaint.parentSchema ?? {}) as JsonSchema;
  const where = placeOf(complaint.instancePath);
  const whole = isQuery ? 'the query' : 'the body';
  switch (keyword) {
    case 'required': {
      const missing = String(params['missingProperty']);
      return `${[where, missing].filter(Boolean).join('.')} is missing: give ${wantedOf(propertyOf(schema, missing))}`;
    }
    case 'additionalProperties':
      return strange(String(params['additionalProperty']), where || whole, schema, isQuery);
    default: {
      if (isQuery && Array.isArray(data)) return `${where} is given more than once: give it once`;
      return `${where || whole} is ${shown(data)}: give ${wantedOf(schema)}`;
    }
  }
}

function strange(field: string, where: string, schema: JsonSchema, isQuery: boolean): string {
  const known = Object.keys((schema['properties'] ?? {}) as object);
  const close = closestWord(field.slice(0, 100), known);
  const what = `${where} has no ${isQuery ? 'parameter' : 'field'} ${quote(field)}`;
  if (close !== undefined) return `${what}: did you mean ${quote(close)}?`;
  if (known.length === 0) return `${what}: it takes none`;
  const names = known.slice(0, fieldsShownMax).join(', ');
  return `${what}: it has ${names}${known.length > fieldsShownMax ? ', …' : ''}`;
}

function propertyOf(schema: JsonSchema, name: string): JsonSchema {
  return ((schema['properties'] ?? {}) as Record<string, JsonSchema>)[name] ?? {};
}

/** `checks[0].kind`; a key that somebody made up is quoted. */
function placeOf(pointer: string): string {
  const steps = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  return steps.reduce((path, step) => {
    if (/^\d+$/.test(step)) return `${path}[${step}]`;
    if (!/^[A-Za-z]\w*$/.test(step)) return `${path}[${quote(step)}]`;
    return path === '' ? step : `${path}.${step}`;
  }, '');
}

function shown(data: unknown): string {
  if (typeof data === 'string') return quote(data);
  if (Array.isArray(data)) return 'a list';
  return typeof data === 'object' && data !== null ? 'an object' : String(data);
}

function wantedOf(schema: JsonSchema): string {
  if (Array.isArray(schema['enum'])) return `one of ${schema['enum'].join(', ')}`;
  switch (schema['type']) {
    case 'integer':
      return `a whole number from ${String(schema['minimum'])} to ${String(schema['maximum'])}`;
    case 'string':
      return 'a text';
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    default:
      return 'a JSON object';
  }
}
