/**
 * `disco:///group/name` for grpc-js: a channel to a service follows its instances as they come and
 * go. The only file that touches what grpc-js calls experimental.
 *
 * The channel is told whenever the set of addresses changes, and only then. While the daemon is
 * away it keeps what it was told last; an error is told only to a channel that knows nothing yet.
 * Resolvers and channels talk in another way since grpc-js 1.14: Answers knows both.
 *
 * `disco_least_load` is grpc-js's own round_robin with a second look: of two connected instances
 * that follow each other, the one with fewer calls of this channel under way.
 */
import {
  connectivityState,
  experimental,
  Metadata,
  status,
  type StatusObject,
} from '@grpc/grpc-js';
import { DiscoError, errorText } from '../base/error.ts';
import { nothingToPick } from './balancer.ts';
import type { Disco } from './disco.ts';
import { instanceAddress, type Instance } from './instance.ts';
import type { ServiceView } from './service-view.ts';
import { healthiest } from './target.ts';

const schemeDefault = 'disco';
const leastLoadName = 'disco_least_load';

export interface ResolverOptions {
  /** Another scheme than `disco`, for a process that speaks to two daemons. */
  readonly scheme?: string | undefined;
}

type Listener = experimental.ResolverListener | OlderListener;
type ServiceConfig = Parameters<OlderListener['onSuccessfulResolution']>[1];
type ChannelSettings = Readonly<Record<string, unknown>>;

/** What a channel of grpc-js 1.13 hands to its resolver, where that of 1.14 hands a function. */
interface OlderListener {
  onSuccessfulResolution(
    endpoints: experimental.Endpoint[],
    config: { loadBalancingConfig: { round_robin: object }[]; methodConfig: [] } | null,
    configError: null,
    selector: null,
    attributes: object,
  ): void;
  onError(error: StatusObject): void;
}

/**
 * From now on channels of this process to `disco:///group/name` are resolved by this client. The
 * channels balance by round_robin, unless their own `grpc.service_config` says otherwise:
 * `pick_first`, or our `disco_least_load`.
 *
 * Registering again replaces it for channels that are opened later.
 *
 * @param disco to be closed after the channels: a closed one leaves them with their last addresses
 */
export function registerDiscoResolver(
  disco: Pick<Disco, 'withView'>,
  { scheme = schemeDefault }: ResolverOptions = {},
): void {
  class OfThisClient extends DiscoResolver {
    constructor(target: experimental.GrpcUri, listener: Listener, settings: ChannelSettings) {
      super(disco, serviceOf(target), listener, settings);
    }

    static getDefaultAuthority(target: experimental.GrpcUri): string {
      return serviceOf(target).split('/').toReversed().join('.');
    }
  }
  experimental.registerResolver(scheme, OfThisClient);
  experimental.registerLoadBalancerType(leastLoadName, LeastLoadChannel, LeastLoadConfig);
}

class DiscoResolver implements experimental.Resolver {
  readonly #disco: Pick<Disco, 'withView'>;
  readonly #service: string;
  readonly #answers: Answers;
  #following: AbortController | undefined;
  /** The addresses that the channel was told last. */
  #told: string | undefined;
  /** What keeps calls from any address, as the channel was told last. */
  #problem: string | undefined;

  constructor(
    disco: Pick<Disco, 'withView'>,
    service: string,
    listener: Listener,
    settings: ChannelSettings,
  ) {
    this.#disco = disco;
    this.#service = service;
    this.#answers = new Answers(listener, settings['grpc.service_config'] !== undefined);
  }

  /** Begins to follow; one that follows already has told all that it knows. */
  updateResolution(): void {
    if (this.#following !== undefined) return this.#repeatProblem(this.#following);
    const following = new AbortController();
    this.#following = following;
    this.#told = undefined;
    this.#problem = undefined;
    void this.#follow(following.signal).finally(() => {
      if (this.#following === following) this.#following = undefined;
    });
  }

  destroy(): void {
    this.#following?.abort();
    this.#following = undefined;
  }

  /** grpc-js 1.13 forgets a problem after a pause, asks, and lets its calls wait for the answer. */
  #repeatProblem({ signal }: AbortController): void {
    queueMicrotask(() => {
      if (this.#problem !== undefined && !signal.aborted) this.#tellProblem(this.#problem);
    });
  }

  /** Holds the view as long as the channel wants to know. Never rejects. */
  async #follow(signal: AbortSignal): Promise<void> {
    // The channel is never called back from within its own call.
    await Promise.resolve();
    try {
      await this.#disco.withView(this.#service, (view) => this.#tellOf(view, signal));
    } catch (error) {
      // The channel asks again with its next call.
      if (!signal.aborted) this.#tellProblem(errorText(error));
    }
  }

  #tellOf(view: ServiceView, signal: AbortSignal): Promise<void> {
    let isDue = false;
    const tell = (): void => {
      isDue = false;
      if (signal.aborted) return;
      if (view.loaded) this.#tellInstances(view.instances());
      else if (view.problem !== undefined) this.#tellProblem(view.problem.message);
    };
    // A snapshot is many changes, and one answer.
    const tellSoon = (): void => {
      if (!isDue) queueMicrotask(tell);
      isDue = true;
    };
    const stop = view.onChange(tellSoon);
    tellSoon();
    return new Promise((resolve) => {
      const leave = (): void => {
        stop();
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
      if (signal.aborted) leave();
    });
  }

  #tellInstances(instances: readonly Instance[]): void {
    const found = healthiest(instances, ({ health }) => health);
    // Two owners may claim one address.
    const places = new Map(found.map((instance) => [instanceAddress(instance), instance]));
    const addresses = [...places.keys()].join(' ');
    if (addresses === this.#told) return;
    this.#told = addresses;
    this.#problem = undefined;
    const endpoints = [...places.values()].map(({ ip: host, port }) => ({
      addresses: [{ host, port }],
    }));
    this.#answers.addresses(endpoints);
    // Of nothing round_robin would make calls wait, up to their deadline: they are to fail now,
    // and to know why.
    if (endpoints.length > 0) return;
    this.#tellProblem(nothingToPick(this.#service, instances.length).message);
  }

  #tellProblem(details: string): void {
    this.#problem = details;
    this.#answers.problem({ code: status.UNAVAILABLE, details, metadata: new Metadata() });
  }
}

/** Tells a channel what it asked for, in the way of its grpc-js. */
class Answers {
  readonly #listener: Listener;
  readonly #config: ServiceConfig;

  /** @param ownPolicy the channel's own service config says how to balance */
  constructor(listener: Listener, ownPolicy: boolean) {
    this.#listener = listener;
    const loadBalancingConfig = [{ round_robin: {} }];
    this.#config = ownPolicy ? null : { loadBalancingConfig, methodConfig: [] };
  }

  addresses(endpoints: experimental.Endpoint[]): void {
    const listener = this.#listener;
    if (typeof listener !== 'function')
      listener.onSuccessfulResolution(endpoints, this.#config, null, null, {});
    else listener(experimental.statusOrFromValue(endpoints), {}, this.#statedConfig(), '');
  }

  problem(error: StatusObject): void {
    const listener = this.#listener;
    if (typeof listener !== 'function') listener.onError(error);
    else listener(experimental.statusOrFromError(error), {}, this.#statedConfig(), '');
  }

  #statedConfig() {
    return this.#config && experimental.statusOrFromValue(this.#config);
  }
}

/** @throws DiscoError INVALID_ARGUMENT/INVALID_NAME for a target that names no service */
function serviceOf(target: experimental.GrpcUri): string {
  const isService = /^[^/]+\/[^/]+$/.test(target.path);
  if (isService && (target.authority ?? '') === '') return target.path;
  throw new DiscoError(
    'INVALID_ARGUMENT',
    'INVALID_NAME',
    `${experimental.uriToString(target)} is no service; expected ${target.scheme}:///group/name, ` +
      `such as ${target.scheme}:///math/add`,
  );
}

class LeastLoadConfig implements experimental.TypedLoadBalancingConfig {
  static createFromJson(): LeastLoadConfig {
    return new LeastLoadConfig();
  }

  getLoadBalancerName(): string {
    return leastLoadName;
  }

  toJsonObject(): object {
    return { [leastLoadName]: {} };
  }
}

/** Connections, reconnections and updates are round_robin's; only its picks are chosen among. */
class LeastLoadChannel implements experimental.LoadBalancer {
  readonly #inTurn: experimental.ChildLoadBalancerHandler;
  /** Calls under way, by address; it outlives the pickers, which come and go with connections. */
  readonly #loads = new Map<string, number>();

  constructor(channel: experimental.ChannelControlHelper) {
    const own: Partial<experimental.ChannelControlHelper> = {
      updateState: (state, picker, message) => {
        const isReady = state === connectivityState.READY;
        const chosen = isReady ? new LesserOfTwo(picker, this.#loads) : picker;
        channel.updateState(state, chosen, message);
      },
    };
    const helper = experimental.createChildChannelControlHelper(channel, own);
    this.#inTurn = new experimental.ChildLoadBalancerHandler(helper);
  }

  updateAddressList(
    ...[endpoints, config, ...rest]: Parameters<experimental.LoadBalancer['updateAddressList']>
  ): boolean {
    if (!(config instanceof LeastLoadConfig)) return false;
    const inTurn = experimental.parseLoadBalancingConfig({ round_robin: {} });
    return this.#inTurn.updateAddressList(endpoints, inTurn, ...rest);
  }

  exitIdle(): void {
    this.#inTurn.exitIdle();
  }

  resetBackoff(): void {
    this.#inTurn.resetBackoff();
  }

  destroy(): void {
    this.#inTurn.destroy();
  }

  getTypeName(): string {
    return leastLoadName;
  }
}

/**
 * Each with the one before it in turn. Calls that begin at once are not counted yet: of equal loads
 * the one before is taken, so that they go round all.
 */
class LesserOfTwo implements experimental.Picker {
  readonly #inTurn: experimental.Picker;
  readonly #loads: Map<string, number>;
  #last: experimental.PickResult | undefined;

  constructor(inTurn: experimental.Picker, loads: Map<string, number>) {
    this.#inTurn = inTurn;
    this.#loads = loads;
  }

  pick(args: experimental.PickArgs): experimental.PickResult {
    const one = this.#last ?? this.#inTurn.pick(args);
    const other = this.#inTurn.pick(args);
    this.#last = other;
    return this.#counted(this.#loadOf(other) < this.#loadOf(one) ? other : one);
  }

  #loadOf({ subchannel }: experimental.PickResult): number {
    return this.#loads.get(subchannel?.getAddress() ?? '') ?? 0;
  }

  #counted(picked: experimental.PickResult): experimental.PickResult {
    const address = picked.subchannel?.getAddress();
    if (address === undefined) return picked;
    const add = (count: number): void => {
      const load = (this.#loads.get(address) ?? 0) + count;
      if (load > 0) this.#loads.set(address, load);
      else this.#loads.delete(address);
    };
    return {
      ...picked,
      onCallStarted: () => {
        add(1);
        picked.onCallStarted?.();
      },
      onCallEnded: (...ending) => {
        add(-1);
        picked.onCallEnded?.(...ending);
      },
    };
  }
}
