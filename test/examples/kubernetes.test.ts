/** The manifests: what Kubernetes' own schema takes, and what a daemon takes of them. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DaemonSet, Deployment } from 'kubernetes-models/apps/v1';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { Namespace, Service } from 'kubernetes-models/v1';
import t from 'tap';
import { parseAllDocuments } from 'yaml';
import { loadConfig } from '../../src/daemon/config-sources.ts';
import { options } from '../../src/daemon/config-options.ts';
import { loadSeeds } from '../../src/daemon/seeds.ts';

const folder = fileURLToPath(new URL('../../examples/kubernetes/', import.meta.url));
const files = globSync('*.yaml', { cwd: folder }).toSorted();

const models = { DaemonSet, Deployment, NetworkPolicy, Namespace, Service } as const;

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath: string } };
}

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: readonly Variable[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext?: object;
  readonly resources?: object;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe?: object;
  readonly livenessProbe?: { readonly exec?: object; readonly grpc?: { readonly port: number } };
}

interface Manifest {
  readonly kind: keyof typeof models;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: {
    readonly clusterIP?: string;
    readonly selector?: Record<string, unknown>;
    readonly template: {
      readonly metadata: { readonly labels: Record<string, string> };
      readonly spec: {
        readonly securityContext?: object;
        readonly terminationGracePeriodSeconds?: number;
        readonly containers: readonly Container[];
        readonly initContainers?: readonly Container[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
  };
}

function manifestsOf(file: string): Manifest[] {
  const documents = parseAllDocuments(readFileSync(`${folder}${file}`, 'utf8'), { merge: true });
  return documents.map((document) => document.toJS() as Manifest);
}

const isWorkload = ({ kind }: Manifest): boolean => kind === 'DaemonSet' || kind === 'Deployment';

function workloadOf(file: string): Manifest {
  const found = manifestsOf(file).find(isWorkload);
  if (found === undefined) throw new Error(`${file} runs nothing`);
  return found;
}

function containersOf({ spec }: Manifest): readonly Container[] {
  const { containers, initContainers = [] } = spec.template.spec;
  return [...initContainers, ...containers];
}

function daemonOf(file: string): Container {
  const found = containersOf(workloadOf(file)).find(({ name }) => name === 'disco');
  if (found === undefined) throw new Error(`${file} has no daemon`);
  return found;
}

/** What the kubelet would set, with $(NAME) filled in. */
function environmentOf({ env = [] }: Container): Record<string, string> {
  const fields: Record<string, string> = {
    'status.podIP': '10.1.2.3',
    'metadata.name': 'add-1',
    'metadata.namespace': 'shop',
    'spec.nodeName': 'worker-1',
  };
  const values: Record<string, string> = {};
  for (const { name, value, valueFrom } of env) {
    const text = value ?? fields[valueFrom?.fieldRef?.fieldPath ?? ''] ?? 'missing';
    values[name] = text.replace(/\$\((\w+)\)/g, (_, other: string) => values[other] ?? 'missing');
  }
  return values;
}

function configOf(file: string) {
  const readFile = (): never => {
    throw Object.assign(new Error('no file'), { code: 'ENOENT' });
  };
  const env = environmentOf(daemonOf(file));
  const place = { cwd: '/etc/disco', hostname: 'h', homedir: '/home/node' };
  return loadSeeds(loadConfig({ flags: {}, env, readFile, ...place }), readFile);
}

t.test('there are both forms', (t) => {
  t.strictSame(files, ['daemonset.yaml', 'sidecar.yaml']);
  t.end();
});

for (const file of files) {
  t.test(`${file}: every document is what the schema of Kubernetes takes`, (t) => {
    const manifests = manifestsOf(file);
    t.ok(manifests.length >= 3);
    for (const manifest of manifests) {
      const Model = models[manifest.kind];
      t.doesNotThrow(() => new Model(manifest as never).validate(), manifest.kind);
    }
    t.end();
  });

  t.test(`${file}: a misspelt field would be noticed`, (t) => {
    const workload = workloadOf(file);
    const { containers, ...rest } = workload.spec.template.spec;
    const template = { ...workload.spec.template, spec: { ...rest, containerz: containers } };
    const broken = { ...workload, spec: { ...workload.spec, template } };
    t.throws(() => new models[workload.kind](broken as never).validate());
    t.end();
  });

  t.test(`${file}: every container is confined, has its bounds, and mounts what there is`, (t) => {
    const workload = workloadOf(file);
    const pod = workload.spec.template.spec;
    t.match(pod.securityContext, {
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    const volumes = pod.volumes.map(({ name }) => name);
    for (const container of containersOf(workload)) {
      t.match(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      t.match(container.resources, {
        requests: { cpu: /m$/, memory: /Mi$/ },
        limits: { memory: /Mi$/ },
      });
      for (const { name } of container.volumeMounts ?? []) t.ok(volumes.includes(name), name);
    }
    t.ok((pod.terminationGracePeriodSeconds ?? 0) >= 15, 'time for a goodbye');
    t.end();
  });

  t.test(`${file}: a daemon takes its environment, listens on its ports, and is probed`, (t) => {
    const daemon = daemonOf(file);
    const known = new Set(options.map(({ env }) => env));
    const ours = Object.keys(environmentOf(daemon)).filter((name) => name.startsWith('DISCO_'));
    t.strictSame(
      ours.filter((name) => !known.has(name)),
      [],
    );
    const { config, seeds } = configOf(file);
    t.strictSame(config.listen, [`10.1.2.3:${seeds[0]?.port}`]);
    t.notOk(config.dataDir === '/var/lib/disco', 'a folder of its own below the volume');
    t.ok(config.dataDir.startsWith('/var/lib/disco/'));
    const ports = new Map(daemon.ports?.map(({ name, containerPort }) => [name, containerPort]));
    t.equal(ports.get('gossip'), seeds[0]?.port);
    const probed = daemon.livenessProbe?.grpc?.port;
    const isReached = config.grpc.some((address) => address === `0.0.0.0:${probed}`);
    t.ok(isReached || daemon.livenessProbe?.exec !== undefined);
    t.ok(daemon.startupProbe !== undefined, 'a node that joins is not killed for it');
    t.end();
  });

  t.test(`${file}: the headless service that is the seed selects the daemons`, (t) => {
    const manifests = manifestsOf(file);
    const workload = workloadOf(file);
    const { labels } = workload.spec.template.metadata;
    const { seeds } = configOf(file);
    const [name, namespace] = seeds[0]?.host.split('.') ?? [];
    const seed = manifests.find(
      ({ metadata, kind }) => kind === 'Service' && metadata.name === name,
    );
    t.match(seed?.spec, { clusterIP: 'None', publishNotReadyAddresses: true });
    t.equal(namespace, workload.metadata.namespace ?? 'shop');
    for (const service of manifests.filter(({ kind }) => kind === 'Service'))
      t.match(labels, service.spec.selector ?? { none: 'at all' }, service.metadata.name);
    const { matchLabels } = workload.spec.selector as { matchLabels: Record<string, string> };
    t.match(labels, matchLabels);
    t.end();
  });
}
