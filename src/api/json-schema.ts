/** JSON Schemas as short words: what the tables of /v1 are written in. */

/** A schema, or a part of one. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** What an object holds, by name. */
export type Properties = Readonly<Record<string, JsonSchema>>;

const uint32Max = 2 ** 32 - 1;

export function text(description: string): JsonSchema {
  return { type: 'string', description };
}

export function flag(description: string): JsonSchema {
  return { type: 'boolean', description };
}

/** What takes 32 bits on the wire. */
export function uint32(description: string): JsonSchema {
  return { type: 'integer', minimum: 0, maximum: uint32Max, description };
}

/** What takes 64 bits on the wire, as far as a JSON number is exact. */
export function uint64(description: string): JsonSchema {
  const maximum = Number.MAX_SAFE_INTEGER;
  return { type: 'integer', format: 'int64', minimum: 0, maximum, description };
}

/** One of several words. */
export function oneOf(words: readonly string[], description: string): JsonSchema {
  return { type: 'string', enum: [...words], description };
}

export function listOf(items: JsonSchema, description: string): JsonSchema {
  return { type: 'array', items, description };
}

/** An object of names that nobody knows before, with values of one kind. */
export function mapOf(values: JsonSchema, description: string): JsonSchema {
  return { type: 'object', additionalProperties: values, description };
}

/** A schema by the name that it was added under. */
export function named(name: string): JsonSchema {
  return { $ref: `${name}#` };
}

/** What is answered: everything but the optional is always there, and later releases say more. */
export function answered(
  description: string,
  properties: Properties,
  optional: readonly string[] = [],
): JsonSchema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', description, properties, required };
}

/** What is asked: nothing but these, so that a misspelt field is not taken for none. */
export function asked(
  description: string,
  properties: Properties,
  required: readonly string[] = [],
): JsonSchema {
  return {
    type: 'object',
    description,
    properties,
    additionalProperties: false,
    ...(required.length > 0 && { required: [...required] }),
  };
}
