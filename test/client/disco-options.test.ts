import { test } from 'tap';
import { policyToProto } from '../../src/client/disco-options.ts';
import { disco } from '../../src/gen/discovery.js';

test('a policy is its number, and one that there is not is no random pick', async (t) => {
  t.equal(policyToProto('nearest'), disco.v1.GetRequest.Policy.NEAREST);
  t.throws(() => policyToProto('fair' as 'random'), {
    code: 'INVALID_ARGUMENT',
    reason: 'USAGE',
    message: /^the policy of get is "fair"; expected one of random, round_robin,/,
  });
});
