/**
 * The operations of /v1: each RPC at a path, with what it is asked and what it answers.
 *
 * One rule: what is read is a GET of what it is about, filtered by the query; what is done is a POST
 * to the name of the RPC, with its request as the body. Either way the id of the operation is the
 * name of the RPC, and what it means is up to the service.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { disco } from '../gen/discovery.js';
import { sendTagged } from './entity-tag.ts';
import {
  instanceJson,
  listJson,
  memberJson,
  membersEventJson,
  watchEventJson,
} from './json-answer.ts';
import { getRequest, listRequest, registerRequest } from './json-request.ts';
import type { GetQuery, ListQuery, RegisterBody } from './json-request.ts';
import type { JsonSchema } from './json-schema.ts';
import type { LiveStreams } from './live-streams.ts';
import { readTargetQuery, targetGroups } from './prometheus-targets.ts';
import type { TargetsAsked } from './prometheus-targets.ts';
import type { DiscoveryService } from './service.ts';
import { bodies, paths, queries } from './v1-requests.ts';
import { checkName } from './validate.ts';
import { MembersSession } from './watch-members.ts';
import type { MembersMessage } from './watch-members.ts';
import { WatchSession } from './watch.ts';
import type { WatchMessage } from './watch.ts';

type V1 = typeof disco.v1;
type Props<N extends keyof V1> = V1[N] extends { encode(message: infer M): unknown } ? M : never;

/** One way to call the API. */
export interface Operation {
  /** Unlike all others. */
  readonly id: string;
  readonly method: 'GET' | 'POST';
  /** As Fastify writes it. */
  readonly url: string;
  readonly tag: 'services' | 'members' | 'node';
  /** For people, in a few words. */
  readonly summary: string;
  readonly params?: JsonSchema;
  /** Of a GET. */
  readonly querystring?: JsonSchema;
  /** Of a POST. */
  readonly body?: JsonSchema;
  /** The name of the schema of what is answered. */
  readonly answer: string;
  /** It is a list: it has an entity tag, and its age in a header. */
  readonly isList?: true;
  /** It is Server-Sent Events: the answer is what each of them holds. */
  readonly isStream?: true;
  readonly run: (request: FastifyRequest, reply: FastifyReply) => unknown;
}

/** What the operations work with. */
export interface V1Parts {
  readonly service: DiscoveryService;
  readonly streams: LiveStreams;
  /** Changes that a watcher may be behind. */
  readonly watchLagMax: number;
}

/** Every operation; the order is that of the document. */
export function v1Operations(parts: V1Parts): readonly Operation[] {
  const { service } = parts;
  return [
    ...reads(service),
    targets(service),
    ...watches(parts),
    ...writes(service),
    ...nodes(service),
  ];
}

interface InPath {
  readonly group?: string;
  readonly name?: string;
}

function reads(service: DiscoveryService): readonly Operation[] {
  const list = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const inPath = request.params as InPath;
    for (const [field, text] of Object.entries(inPath)) checkName(field, text);
    const answer = service.list({ ...listRequest(request.query as ListQuery), ...inPath });
    const { sinceReconcileMs } = answer;
    if (sinceReconcileMs != null)
      void reply.header('disco-since-reconcile-ms', String(sinceReconcileMs));
    return sendTagged(request, reply, listJson(answer));
  };
  const common = { method: 'GET', tag: 'services', answer: 'InstanceList', isList: true } as const;
  return [
    {
      ...common,
      id: 'list',
      url: '/v1/services',
      summary: 'Instances of all services',
      querystring: queries.list,
      run: list,
    },
    {
      ...common,
      id: 'listByGroup',
      url: '/v1/services/:group',
      summary: 'Instances of the services of a group',
      params: paths.group,
      querystring: queries.listByGroup,
      run: list,
    },
    {
      ...common,
      id: 'listByService',
      url: '/v1/services/:group/:name',
      summary: 'Instances of a service',
      params: paths.service,
      querystring: queries.listByService,
      run: list,
    },
    {
      id: 'get',
      method: 'GET',
      url: '/v1/services/:group/:name/get',
      tag: 'services',
      summary: 'One healthy instance of a service',
      params: paths.service,
      querystring: queries.get,
      answer: 'PickedInstance',
      run: ({ params, query }) =>
        instanceJson(service.get({ ...getRequest(query as GetQuery), ...(params as InPath) })),
    },
  ];
}

/** For the service discovery of Prometheus over HTTP. */
function targets({ registry }: DiscoveryService): Operation {
  return {
    id: 'prometheusTargets',
    method: 'GET',
    url: '/v1/prometheus/targets',
    tag: 'services',
    summary: 'Whom Prometheus is to scrape, in the form of http_sd_configs',
    querystring: queries.targets,
    answer: 'TargetGroups',
    run: ({ query }) => targetGroups(registry.index, readTargetQuery(query as TargetsAsked)),
  };
}

function watches({ service, streams, watchLagMax }: V1Parts): readonly Operation[] {
  const { registry, control } = service;
  return [
    {
      id: 'watch',
      method: 'GET',
      url: '/v1/watch',
      tag: 'services',
      summary: 'Instances, then each change of them, as Server-Sent Events',
      querystring: queries.watch,
      answer: 'WatchEvent',
      isStream: true,
      run: ({ query, headers }, reply) => {
        const asked = query as Props<'WatchRequest'>;
        // Who comes back sends the cursor that it began with, too.
        const last = headers['last-event-id'];
        const request =
          typeof last === 'string' && last !== '' ? { ...asked, cursor: last } : asked;
        streams.open<WatchMessage>(
          reply,
          'Watch',
          (sink) => new WatchSession(registry, request, sink, watchLagMax),
          (message) => {
            const data = watchEventJson(message);
            return { event: String(data['kind']), id: message.cursor ?? '', data };
          },
        );
      },
    },
    {
      id: 'watchMembers',
      method: 'GET',
      url: '/v1/members/watch',
      tag: 'members',
      summary: 'All nodes, then each that changes, as Server-Sent Events',
      querystring: queries.none,
      answer: 'MembersEvent',
      isStream: true,
      run: (_request, reply) => {
        streams.open<MembersMessage>(
          reply,
          'WatchMembers',
          (sink) => new MembersSession(registry, control, sink),
          (message) => {
            const data = membersEventJson(message);
            return { event: String(data['kind']), data };
          },
        );
      },
    },
  ];
}

function writes(service: DiscoveryService): readonly Operation[] {
  const common = { method: 'POST', tag: 'services' } as const;
  return [
    {
      ...common,
      id: 'register',
      url: '/v1/register',
      summary: 'Register an instance of a service at this daemon',
      body: bodies.register,
      answer: 'Registered',
      run: ({ body }) => service.register(registerRequest(body as RegisterBody)),
    },
    {
      ...common,
      id: 'deregister',
      url: '/v1/deregister',
      summary: 'Take a registration back',
      body: bodies.deregister,
      answer: 'Deregistered',
      run: ({ body }) => service.deregister(body as Props<'DeregisterRequest'>),
    },
    {
      ...common,
      id: 'heartbeat',
      url: '/v1/heartbeat',
      summary: 'Renew the ttl of an instance',
      body: bodies.heartbeat,
      answer: 'HeartbeatAnswer',
      run: ({ body }) => service.heartbeat(body as Props<'HeartbeatRequest'>),
    },
    {
      ...common,
      id: 'setMaintenance',
      url: '/v1/setMaintenance',
      summary: 'Take instances, or the whole node, out of use, or give them back',
      body: bodies.setMaintenance,
      answer: 'MaintenanceAnswer',
      run: ({ body }) => service.setMaintenance(body as Props<'SetMaintenanceRequest'>),
    },
  ];
}

function nodes(service: DiscoveryService): readonly Operation[] {
  return [
    {
      id: 'members',
      method: 'GET',
      url: '/v1/members',
      tag: 'members',
      summary: 'All nodes, as this node sees them',
      querystring: queries.none,
      answer: 'MemberList',
      run: () => ({ members: (service.members().members ?? []).map(memberJson) }),
    },
    {
      id: 'forceLeave',
      method: 'POST',
      url: '/v1/forceLeave',
      tag: 'members',
      summary: 'Say of a dead node that it will not come back',
      body: bodies.forceLeave,
      answer: 'LeftMember',
      run: ({ body }) => service.forceLeave(body as Props<'ForceLeaveRequest'>),
    },
    {
      id: 'status',
      method: 'GET',
      url: '/v1/status',
      tag: 'node',
      summary: 'Who this node is, whether it is ready, what it counted',
      querystring: queries.none,
      answer: 'Status',
      run: () => service.status(),
    },
    {
      id: 'gossip',
      method: 'POST',
      url: '/v1/gossip',
      tag: 'node',
      summary: 'One step of gossip now',
      body: bodies.gossip,
      answer: 'GossipReport',
      run: () => service.gossip(),
    },
    {
      id: 'setLogLevels',
      method: 'POST',
      url: '/v1/setLogLevels',
      tag: 'node',
      summary: 'Change what this node logs, until it is restarted',
      body: bodies.setLogLevels,
      answer: 'LogLevels',
      run: ({ body }) => service.setLogLevels(body as Props<'SetLogLevelsRequest'>),
    },
    {
      id: 'leave',
      method: 'POST',
      url: '/v1/leave',
      tag: 'node',
      summary: 'Make this node leave its cluster and stop',
      body: bodies.leave,
      answer: 'Left',
      run: () => service.leave(),
    },
  ];
}
