/**
 * EncodedInstance: what is told of an instance, in the two forms in which it can be told.
 *
 * What Get, List and Watch tell of an instance is nearly all in its record, and stays the same
 * until there is a new one. So gRPC encodes that once, and then copies bytes; HTTP, which needs the
 * fields, is given the plain message.
 */
import { disco } from '../gen/discovery.js';
import { detached } from '../record/hash.ts';
import type { Instance } from '../registry/instance.ts';
import { instanceMessage } from './convert.ts';

/** Makes a message of its own at each call: the caller may add to it. */
export type InstanceForm = (
  instance: Instance,
  isConflict: boolean,
) => disco.v1.ServiceInstance.$Properties;

/** As long as an instance is shown, or still on its way to a watcher. */
const encoded = new WeakMap<Instance, Uint8Array>();

/**
 * The same as `instanceMessage` once it is encoded, and an empty message before: what stays is in
 * it as bytes. Fields that are added take effect; those of the record cannot be set over.
 */
export const encodedInstance: InstanceForm = (instance, isConflict) => {
  let bytes = encoded.get(instance);
  if (bytes === undefined) {
    // Detached, or each would keep the 8 KiB of the pool in which it was made.
    bytes = detached(disco.v1.ServiceInstance.encode(instanceMessage(instance, false)).finish());
    encoded.set(instance, bytes);
  }
  // What an answer may add has its place already: objects that grow are slower, and live longer.
  return {
    conflict: isConflict,
    candidates: 0,
    partial: false,
    hold: null,
    isolated: false,
    sinceReconcileMs: null,
    ownerState: 0,
    stale: false,
    $unknowns: [bytes],
  };
};
