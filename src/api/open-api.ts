/** What /openapi.json says besides the operations, which speak for themselves. */
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';

/** @param version of the daemon, and so of the document */
export function openApiOptions(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'disco',
        version,
        description:
          'The API of a disco daemon: service discovery without a central registry. What is read is a GET of what it is about; what is done is a POST to the name of its method. Errors are problem details (RFC 9457) with a stable reason. Answers come from the memory of the daemon that is asked.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'The daemon that gave this document.' }],
      // Nobody but programs of the host, and browser pages of the daemon itself, are answered.
      security: [],
      tags: [
        { name: 'services', description: 'Services and their instances.' },
        { name: 'members', description: 'The nodes of the cluster.' },
        { name: 'node', description: 'The node that is asked.' },
      ],
    },
    hideUntagged: true,
    convertConstToEnum: false,
    refResolver: { buildLocalReference: ({ $id }) => $id as string },
  };
}
