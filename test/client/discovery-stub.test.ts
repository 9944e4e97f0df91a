import t from 'tap';
import { DiscoveryStub } from '../../src/client/discovery-stub.ts';
import { stubContract } from '../contract/stub-contract.ts';

stubContract(t, (daemon, deadlineMs) => new DiscoveryStub(daemon, deadlineMs));
