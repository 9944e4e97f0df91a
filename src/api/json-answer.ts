/**
 * From the messages of the API to JSON: the fields by their camelCase names, enums as the words that
 * people write, numbers as numbers (all 64-bit ones are below 2^53).
 */
import { disco } from '../gen/discovery.js';
import { EnumWords } from './enum-words.ts';

type V1 = typeof disco.v1;
type Props<N extends keyof V1> = V1[N] extends { encode(message: infer M): unknown } ? M : never;
type Json = Readonly<Record<string, unknown>>;

export const healthWords = new EnumWords(disco.v1.Health, 'HEALTH_');
export const stateWords = new EnumWords(disco.v1.Member.State);
export const checkWords = new EnumWords(disco.v1.Check.Kind);
export const watchWords = new EnumWords(disco.v1.WatchEvent.Kind);
export const membersWords = new EnumWords(disco.v1.MembersEvent.Kind);

/** One instance; as the answer of Get with what that says besides. */
export function instanceJson(message: Props<'ServiceInstance'>): Json {
  const { health, ownerState, maintenance, checks } = message;
  return {
    ...message,
    health: healthWords.word(health),
    ...(ownerState != null && { ownerState: stateWords.word(ownerState) }),
    ...(maintenance != null && {
      maintenance: { ...maintenance, health: healthWords.word(maintenance.health) },
    }),
    ...(checks != null && { checks: checks.map(reportJson) }),
  };
}

function reportJson({ check, health, results }: Props<'CheckReport'>): Json {
  return {
    check: { ...check, kind: checkWords.word(check?.kind) },
    health: healthWords.word(health),
    results: (results ?? []).map((result) => ({
      ...result,
      status: healthWords.word(result.status),
    })),
  };
}

/** A list without its age, which changes while the list does not, and so is told in a header. */
export function listJson({ sinceReconcileMs: _age, ...message }: Props<'ListResponse'>): Json {
  return { ...message, instances: (message.instances ?? []).map(instanceJson) };
}

export function memberJson(message: Props<'Member'>): Json {
  return { ...message, state: stateWords.word(message.state) };
}

export function watchEventJson(event: Props<'WatchEvent'>): Json {
  const { instance } = event;
  return {
    ...event,
    kind: watchWords.word(event.kind),
    ...(instance != null && { instance: instanceJson(instance) }),
  };
}

export function membersEventJson({ kind, member }: Props<'MembersEvent'>): Json {
  return { kind: membersWords.word(kind), ...(member != null && { member: memberJson(member) }) };
}
