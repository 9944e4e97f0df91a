/** A daemon of three answers, without a network in between, and how it may refuse. */
import { DiscoError } from '../../src/base/error.ts';
import type { UnaryCaller } from '../../src/client/discovery-stub.ts';

type Answer = () => unknown;

export const away = new DiscoError('UNAVAILABLE', 'NO_DAEMON', 'no daemon there');
export const unknown = new DiscoError('NOT_FOUND', 'UNKNOWN_INSTANCE', 'not known here');

export class ScriptedCaller implements UnaryCaller {
  readonly calls: string[] = [];
  readonly requests: Record<string, unknown>[] = [];
  register: Answer = () => ({
    ip: '10.0.0.7',
    port: 4711,
    instanceId: '10.0.0.7:4711',
    owner: 'owner-1',
    conflict: false,
  });
  heartbeat: Answer = () => ({ ttlMs: 0 });
  deregister: Answer = () => ({ instanceId: '10.0.0.7:4711' });

  async unary(name: string, request: object): Promise<never> {
    this.calls.push(name);
    this.requests.push({ ...request });
    const answers: Record<string, Answer> = {
      Register: this.register,
      Heartbeat: this.heartbeat,
      Deregister: this.deregister,
    };
    return (await answers[name]?.()) as never;
  }

  since(mark: number): string[] {
    return this.calls.slice(mark);
  }
}

export function refusing(error: Error): Answer {
  return () => {
    throw error;
  };
}
