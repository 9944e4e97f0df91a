/**
 * NameTree: which names there are below the zone, by their labels from the right.
 *
 *   disco ─▶ math ─▶ add        a service
 *               └──▶ v2 ─▶ add  another; math and v2.math are there too, with nothing of their own
 *
 * That a name is there is more than that it has records: below what is not there nobody looks
 * (RFC 8020), and resolvers ask for the shorter names first (RFC 9156).
 */
import { servicePaths } from './dns-labels.ts';

export interface ServiceName {
  readonly group: string;
  readonly name: string;
}

interface Branch {
  readonly below: Map<string, Branch>;
  /** Whose name it is; of several the first is meant. */
  services: readonly ServiceName[];
}

/** What is known of a name that is there. */
export interface NameFound {
  /** Undefined: it only has names below it. */
  readonly service: ServiceName | undefined;
}

export class NameTree {
  readonly #root: Branch = emptyBranch();
  readonly #known = new Set<string>();

  /** Services in it. */
  get size(): number {
    return this.#known.size;
  }

  /** Says whether there is such a service; nothing happens when that is known. */
  set({ group, name }: ServiceName, isThere: boolean): void {
    const key = `${group}/${name}`;
    if (this.#known.has(key) === isThere) return;
    if (isThere) this.#known.add(key);
    else this.#known.delete(key);
    for (const path of servicePaths(group, name))
      if (isThere) this.#insert(path, { group, name });
      else this.#remove(path, { group, name });
  }

  /** @param labels below the zone, in lower case, from the left; at least one */
  find(labels: readonly string[]): NameFound | undefined {
    let branch: Branch | undefined = this.#root;
    for (let at = labels.length - 1; at >= 0 && branch !== undefined; at--)
      branch = descend(branch, labels[at] ?? '');
    return branch && { service: branch.services[0] };
  }

  #insert(path: readonly string[], service: ServiceName): void {
    let branch = this.#root;
    for (const label of path.toReversed()) {
      const next = branch.below.get(label) ?? emptyBranch();
      branch.below.set(label, next);
      branch = next;
    }
    branch.services = [...branch.services, service].sort(compareServices);
  }

  #remove(path: readonly string[], { group, name }: ServiceName): void {
    const way: Branch[] = [this.#root];
    for (const label of path.toReversed()) {
      const next = way.at(-1)?.below.get(label);
      if (next === undefined) return;
      way.push(next);
    }
    const last = way.at(-1) as Branch;
    last.services = last.services.filter((each) => each.group !== group || each.name !== name);
    for (let depth = path.length; depth > 0; depth--) {
      const { services, below } = way[depth] as Branch;
      if (services.length > 0 || below.size > 0) return;
      way[depth - 1]?.below.delete(path[path.length - depth] ?? '');
    }
  }
}

/** A label that holds dots (`add\.v2`) is the same as several. */
function descend(branch: Branch, label: string): Branch | undefined {
  if (!label.includes('.')) return branch.below.get(label);
  let next: Branch | undefined = branch;
  for (const part of label.split('.').toReversed()) next = next?.below.get(part);
  return next;
}

/**
 * Of services that come to one name: the one that is spelled so to the letter, else that with the
 * shorter group; each of the others still has its safe name.
 */
function compareServices(a: ServiceName, b: ServiceName): number {
  return (
    Number(isLower(b)) - Number(isLower(a)) ||
    a.group.length - b.group.length ||
    compareText(`${a.group}/${a.name}`, `${b.group}/${b.name}`)
  );
}

function isLower({ group, name }: ServiceName): boolean {
  const text = `${group}/${name}`;
  return text === text.toLowerCase();
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function emptyBranch(): Branch {
  return { below: new Map(), services: [] };
}
