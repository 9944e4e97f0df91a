/** An identity that is proved over HTTP, by the server that the service has anyway. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { base64url, fromBase64url, identityPathDefault } from '../base/challenge.ts';
import { Identity } from './identity.ts';
import type { ChallengeAnswer, IdentityOptions } from './identity.ts';

export interface HttpIdentityOptions extends IdentityOptions {
  /** Where it answers; default `/.well-known/disco-identity`. */
  readonly path?: string | undefined;
}

const statusOf: Readonly<Record<ChallengeAnswer['kind'], number>> = {
  signed: 200,
  malformed: 400,
  not_me: 404,
  not_yet: 503,
};

/** For node:http and what is built on it: see `handle`. */
export class HttpIdentity extends Identity {
  /** Where it answers. */
  readonly path: string;

  constructor({ path = identityPathDefault, ...options }: HttpIdentityOptions = {}) {
    super(path, options);
    this.path = path;
  }

  /**
   * Answers what asks for `path`, and leaves all else to `next`; without one it is 404.
   *
   *   createServer((request, response) => identity.handle(request, response, () => app(…)))
   *   express().use(identity.handle)
   *   fastify.get(identity.path, (request, reply) => {
   *     reply.hijack();
   *     identity.handle(request.raw, reply.raw);
   *   });
   *
   * A property, so that it can be handed over by itself.
   */
  readonly handle = (
    request: IncomingMessage,
    response: ServerResponse,
    next?: () => void,
  ): void => {
    const [path, query = ''] = (request.url ?? '').split(/\?(.*)/s);
    if (path === this.path.split('?')[0]) void this.#respond(request, query, response);
    else if (next !== undefined) next();
    else send(response, 404, { error: `what is served here is ${this.path}` });
  };

  async #respond(
    { method }: IncomingMessage,
    query: string,
    response: ServerResponse,
  ): Promise<void> {
    if (method !== 'GET') return send(response, 405, { error: 'only GET is answered' });
    const given = new URLSearchParams(query);
    const answer = await this.answer({
      nonce: fromBase64url(given.get('nonce') ?? '') ?? new Uint8Array(),
      owner: given.get('owner') ?? '',
      instance: given.get('instance') ?? '',
    });
    const { kind } = answer;
    if (kind === 'signed') send(response, 200, { signature: base64url(answer.signature) });
    else send(response, statusOf[kind], { error: answer.why });
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  // Somebody else lost patience, such as a middleware with a timeout of its own.
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
