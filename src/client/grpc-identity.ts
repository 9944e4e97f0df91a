/** An identity that is proved over gRPC, by the server that the service has anyway. */
import { status } from '@grpc/grpc-js';
import { identityDefinition } from '../base/challenge.ts';
import type { AnswerOf, ReceivedOf } from '../base/grpc-methods.ts';
import { Identity } from './identity.ts';
import type { ChallengeAnswer, IdentityOptions } from './identity.ts';

type Method = (typeof identityDefinition)['Challenge'];

/** As grpc-js hands a call over, whichever version of it the service has. */
interface ChallengeCall {
  readonly request: ReceivedOf<Method>;
}

type Callback = (
  refusal: { readonly code: number; readonly details: string } | null,
  answer?: AnswerOf<Method>,
) => void;

/** The handlers of disco.v1.Identity. */
export interface IdentityHandlers {
  readonly Challenge: (call: ChallengeCall, callback: Callback) => void;
  readonly [method: string]: (call: ChallengeCall, callback: Callback) => void;
}

const codeOf: Readonly<Record<Exclude<ChallengeAnswer['kind'], 'signed'>, number>> = {
  malformed: status.INVALID_ARGUMENT,
  not_me: status.NOT_FOUND,
  not_yet: status.UNAVAILABLE,
};

/** For grpc-js: see `service`. */
export class GrpcIdentity extends Identity {
  /** `server.addService(...identity.service)` */
  readonly service: readonly [typeof identityDefinition, IdentityHandlers];

  constructor(options: IdentityOptions = {}) {
    super('', options);
    this.service = [
      identityDefinition,
      { Challenge: (call, callback) => void this.#respond(call, callback) },
    ];
  }

  async #respond({ request }: ChallengeCall, callback: Callback): Promise<void> {
    const { nonce, owner, group, name, instanceId } = request;
    const answer = await this.answer({ nonce, owner, instance: `${group}/${name}/${instanceId}` });
    if (answer.kind === 'signed') callback(null, { signature: answer.signature });
    else callback({ code: codeOf[answer.kind], details: answer.why });
  }
}
