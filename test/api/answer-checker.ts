/** Holds answers against their schemas, strictly: what a schema does not name must not be there. */
import fastify from 'fastify';
import type { JsonSchema } from '../../src/api/json-schema.ts';
import { answerSchemas } from '../../src/api/v1-answers.ts';

/** @returns what is wrong with an answer of that name; empty: nothing */
export type CheckAnswer = (name: string, answer: unknown) => Promise<string>;

export async function answerChecker(): Promise<CheckAnswer> {
  const customOptions = { coerceTypes: false, removeAdditional: false } as const;
  const app = fastify({ ajv: { customOptions }, exposeHeadRoutes: false });
  for (const [name, schema] of Object.entries(answerSchemas)) {
    app.addSchema({ $id: name, ...closed(schema) });
    app.post(`/${name}`, { schema: { body: { $ref: `${name}#` } } }, () => ({}));
  }
  await app.ready();
  return async (name, answer) => {
    const payload = JSON.stringify(answer);
    const headers = { 'content-type': 'application/json' };
    const { statusCode, body } = await app.inject({
      method: 'POST',
      url: `/${name}`,
      payload,
      headers,
    });
    return statusCode === 200 ? '' : `${body} of ${payload}`;
  };
}

function closed(schema: JsonSchema): JsonSchema {
  return schema['properties'] === undefined ? schema : { ...schema, additionalProperties: false };
}
