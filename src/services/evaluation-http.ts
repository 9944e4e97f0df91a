/**
 * Evaluation over HTTP: POST /evaluate with a JSON body, or GET /evaluate with a query.
 *
 * A value answers 200 {expression, value, steps?}; anything else {error, message}, where `error`
 * is machine-readable and `message` is for people, with the caret under a syntax error.
 */
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';
import { traceRequests } from '../base/request-span.ts';
import { EvaluationError } from './evaluation-error.ts';
import type { Evaluation } from './calculator.ts';

const bodyBytesMax = 16 * 1_024;
/** `?trace` alone is yes, too. */
const on: ReadonlySet<unknown> = new Set([true, 'true', '1', '']);
const off: ReadonlySet<unknown> = new Set([undefined, false, 'false', '0']);

/** Evaluates a text, or throws EvaluationError. */
export type Evaluate = (text: string, signal: AbortSignal) => Promise<Evaluation>;

interface Question {
  readonly expression: string;
  readonly trace: boolean;
}

/** An HTTP server that is not listening yet. */
export function evaluationServer(evaluate: Evaluate): FastifyInstance {
  const app = fastify({ logger: false, bodyLimit: bodyBytesMax, forceCloseConnections: 'idle' });
  traceRequests(app, true);
  const answer = async (asked: unknown, reply: FastifyReply): Promise<object> => {
    const { expression, trace } = questionOf(asked);
    const ended = new AbortController();
    // Not request.signal: it may abort as soon as the body has been read.
    reply.raw.once('close', () => ended.abort());
    const { value, steps } = await evaluate(expression, ended.signal);
    return { expression, value, ...(trace ? { steps } : {}) };
  };
  app.get('/evaluate', (request, reply) => answer(request.query, reply));
  app.post('/evaluate', (request, reply) => answer(request.body, reply));
  app.setErrorHandler(async (error, _request, reply) => {
    const { status, body } = problemOf(error);
    await reply.code(status).send(body);
  });
  app.setNotFoundHandler(async (request, reply) => {
    const message = `${request.method} ${request.url} is not served; see GET and POST /evaluate`;
    await reply.code(404).send({ error: 'NOT_FOUND', message });
  });
  return app;
}

function questionOf(asked: unknown): Question {
  const { expression, trace } = (asked ?? {}) as { expression?: unknown; trace?: unknown };
  if (typeof expression !== 'string') {
    throw new BadRequest('expected an `expression` that is a text, such as "(2 + 3) * 4"');
  }
  if (on.has(trace) || off.has(trace)) return { expression, trace: on.has(trace) };
  throw new BadRequest('expected `trace` to be true or false');
}

class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

/** What is answered for an error: the status, and its body. */
function problemOf(error: unknown): { status: number; body: { error: string; message: string } } {
  if (error instanceof EvaluationError) {
    const status = error.isCallersFault ? 400 : 503;
    return { status, body: { error: error.reason, message: error.message } };
  }
  if (error instanceof BadRequest) {
    return { status: 400, body: { error: 'INVALID_BODY', message: error.message } };
  }
  // What fastify itself refuses: no JSON, too large, of another media type.
  const { statusCode = 500, message = '' } = error as { statusCode?: number; message?: string };
  if (statusCode < 500) return { status: statusCode, body: { error: 'INVALID_BODY', message } };
  return { status: 500, body: { error: 'BUG', message: `the entrypoint failed: ${message}` } };
}
