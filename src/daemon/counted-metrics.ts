/**
 * What the node counts by name (base/counters.ts), as families of metrics.
 *
 *   exchanges_in_sync, exchanges_changed, … ──▶ disco_exchanges_total{outcome}
 *   rumors_published                        ──▶ disco_rumors_published_total
 *   whatever is in no family                ──▶ disco_events_total{event}
 *
 * Names come from the code alone, so the labels are bounded; and a counter that somebody adds is seen
 * without a change here.
 */

/** A metric made of counters. */
export interface Family {
  /** With its unit and `_total`. */
  readonly name: string;
  readonly help: string;
  /** Undefined: it has one counter and no label. */
  readonly label?: string;
  /** The label's value, or '' without a label, by the name of the counter. */
  readonly counters: Readonly<Record<string, string>>;
}

function one(name: string, counter: string, help: string): Family {
  return { name: `disco_${name}_total`, help, counters: { [counter]: '' } };
}

/** @param prefix of the counters' names; what follows is the value of the label */
function split(
  name: string,
  label: string,
  prefix: string,
  values: readonly string[],
  help: string,
): Family {
  const counters = Object.fromEntries(values.map((value) => [`${prefix}_${value}`, value]));
  return { name: `disco_${name}_total`, help, label, counters };
}

const received = ['applied', 'duplicate', 'stale', 'gap', 'own', 'refused'];

export const families: readonly Family[] = [
  one('rumors_published', 'rumors_published', 'Rumors of own changes that were broadcast.'),
  one('rumors_retold', 'rumors_retold', 'Rumors told to one neighbor directly, after a repair.'),
  one('rumor_copies', 'rumor_copies', 'Broadcast rumors, own ones and every copy received.'),
  split(
    'rumors_received',
    'outcome',
    'rumors',
    [...received, 'throttled', 'headless'],
    'Rumors received, by what became of them.',
  ),
  one('exchanges_started', 'exchanges_started', 'Exchanges of digests that this node began.'),
  one('exchanges_answered', 'exchanges_answered', 'Digests of peers that were answered.'),
  split(
    'exchanges',
    'outcome',
    'exchanges',
    ['in_sync', 'changed', 'failed'],
    'Exchanges of digests that this node began, by how they ended.',
  ),
  split(
    'deltas_received',
    'outcome',
    'deltas',
    received,
    "Parts of an owner's records received after a digest, by what became of them.",
  ),
  split(
    'deltas_asked',
    'scope',
    'asked',
    ['delta', 'whole'],
    'Times that records of one owner were asked for outside an exchange.',
  ),
  one('symbols_sent', 'symbols_sent', 'Coded symbols sent beyond those of the digests.'),
  one('snapshot_pages_served', 'pages_served', 'Pages of snapshots sent to peers.'),
  one('snapshot_pages_taken', 'pages_taken', 'Pages of snapshots received.'),
  one('sends_dropped', 'sends_dropped', 'Frames dropped, since the peer does not read or is gone.'),
  one('dials', 'dials', 'Attempts to connect to another node.'),
  split(
    'dial_failures',
    'reason',
    'dials',
    ['refused', 'timeout', 'unreachable', 'self', 'other_peer'],
    'Attempts to connect that led to no link, by reason.',
  ),
  one('peers_silent', 'peers_silent', 'Times that a linked peer fell silent.'),
  one('members_found_dead', 'members_found_dead', 'Members that this node itself found dead.'),
  split(
    'members_convicted',
    'by',
    'members_convicted_by',
    ['quorum', 'confirmation'],
    'Members that count as dead since others could not reach them.',
  ),
  one('members_dismissed', 'members_dismissed', 'Dead members taken off by an operator.'),
  one(
    'accusations_made',
    'accusations_made',
    'Times that this node told of an unreachable member.',
  ),
  split(
    'accusations_received',
    'outcome',
    'accusations',
    ['new', 'known', 'spare', 'void', 'early', 'refused'],
    'Accusations received, by what became of them.',
  ),
  one('refutations', 'refutations', 'Times that this node answered an accusation of itself.'),
  one(
    'reclaims',
    'reclaims',
    'Times that this node met a newer head of its own and went above it.',
  ),
  one('clock_adjustments', 'clock_adjusted', "Times that this node went over to its peers' time."),
  one('holds', 'holds', 'Services held, since most of their instances fell silent at once.'),
  one('instances_held', 'instances_held', 'Instances that were held, over all holds.'),
];

/** What is in no family, with the counter's name as its label. */
export const restName = 'disco_events_total';

const familyOf = new Map(
  families.flatMap((family) => Object.keys(family.counters).map((name) => [name, family] as const)),
);

/** @returns the counters of no family, by name */
export function restOf(counted: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counted).filter(([name]) => !familyOf.has(name));
}
