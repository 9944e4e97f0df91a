/**
 * Doors: where the API is reached. gRPC always; HTTP and DNS unless they are off.
 */
import { randomInt } from 'node:crypto';
import { DnsServer } from '../api/dns-server.ts';
import { GrpcServer } from '../api/grpc-server.ts';
import { HttpServer } from '../api/http-server.ts';
import type { MetricsSource } from '../api/api-observer.ts';
import type { DiscoveryService } from '../api/service.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Config } from './config.ts';

/** Time that calls under way get to end. */
const drainMs = 2_000;
const dnsIds = 0x1_0000;

export interface DoorTools {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Told of every call, and read over HTTP; undefined: there are none. */
  readonly metrics: MetricsSource | undefined;
}

/** Where the doors are, with their real ports. */
export interface DoorAddresses {
  readonly grpc: readonly string[];
  /** `off`: nowhere. */
  readonly http: string;
  /** `off`: nowhere. */
  readonly dns: string;
}

export class Doors {
  readonly #grpc: GrpcServer;
  readonly #http: HttpServer | undefined;
  readonly #dns: DnsServer | undefined;
  #addresses: DoorAddresses = { grpc: [], http: 'off', dns: 'off' };

  constructor(service: DiscoveryService, config: Config, tools: DoorTools) {
    const { log, metrics } = tools;
    const grpc = { ...config, addresses: config.grpc, observer: metrics };
    this.#grpc = new GrpcServer(service, grpc, log);
    const http = { ...config, address: config.http, names: config.httpHosts, metrics };
    this.#http = config.http === 'off' ? undefined : new HttpServer(service, http, log);
    const { dns: address, dnsTtl: ttlSeconds, dnsUpstream: upstream, zone } = config;
    const dns = { address, ttlSeconds, upstream, zone };
    const randomId = (): number => randomInt(dnsIds);
    this.#dns = address === 'off' ? undefined : new DnsServer(service, dns, { ...tools, randomId });
  }

  /** As far as they are open. */
  get addresses(): DoorAddresses {
    return this.#addresses;
  }

  /** What was done and refused at them, by name. */
  get counted(): readonly [string, number][] {
    return this.#dns?.counters.entries() ?? [];
  }

  /** @throws DiscoError FAILED_PRECONDITION: PORT_IN_USE, ADDRESS_UNAVAILABLE */
  async open(): Promise<void> {
    const grpc = await this.#grpc.start();
    this.#addresses = { ...this.#addresses, grpc };
    const http = (await this.#http?.start()) ?? 'off';
    const dns = (await this.#dns?.start()) ?? 'off';
    this.#addresses = { grpc, http, dns };
  }

  /** Tells probes that the node is ready. */
  setReady(): void {
    this.#grpc.setReady(true);
  }

  /** Ends streams, and lets the calls under way end. */
  async close(): Promise<void> {
    await Promise.all([this.#grpc.stop(drainMs), this.#http?.stop(), this.#dns?.stop()]);
  }
}
