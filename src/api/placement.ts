/** What a registration may leave to the daemon: its ip, and an instance id made of its address. */
import { isMetadataRange } from '../base/address.ts';
import { DiscoError } from '../base/error.ts';
import { hostPort, isInstanceId } from '../record/names.ts';
import type { Registration } from '../store/store.ts';
import { isRegistrable, quote } from './validate.ts';

/**
 * A wish with a port, made whole.
 *
 * @param hostAddress at which peers reach this host
 * @throws DiscoError INVALID_ARGUMENT: INVALID_ADDRESS, INVALID_NAME;
 *   PERMISSION_DENIED/CHECK_TARGET_FORBIDDEN
 */
export function placedAt(wish: Registration, hostAddress: string): Registration {
  const ip = wish.ip === '' ? checkHostAddress(hostAddress) : wish.ip;
  if ((wish.checks ?? []).length > 0 && isMetadataRange(ip)) throw forbidden(ip);
  const instanceId = wish.instanceId === '' ? defaultInstanceId(ip, wish.port) : wish.instanceId;
  if (wish.ip !== '') return { ...wish, ip, instanceId };
  return { ...wish, ip, instanceId, follows: wish.instanceId === '' ? 'ip and id' : 'ip' };
}

/** The address of this host, when it means something to others. @throws INVALID_ADDRESS */
export function checkHostAddress(address: string): string {
  if (isRegistrable(address)) return address;
  const sentence = `ip was left out, and the address of this node, ${quote(address)}, means nothing to others: give ip, or start the daemon with another --advertise`;
  throw new DiscoError('INVALID_ARGUMENT', 'INVALID_ADDRESS', sentence);
}

/** The daemon asks on behalf of whoever registers, and may reach what that one may not. */
function forbidden(ip: string): DiscoError {
  const sentence = `ip is ${quote(ip)}, which is link-local or of a cloud's metadata service, and is never checked: leave the checks out, or give another ip`;
  return new DiscoError('PERMISSION_DENIED', 'CHECK_TARGET_FORBIDDEN', sentence);
}

function defaultInstanceId(ip: string, port: number): string {
  const id = hostPort(ip, port);
  if (isInstanceId(id)) return id;
  const sentence = `instance_id was left out, and ip:port is too long for one (${id.length} characters): give a shorter instance_id`;
  throw new DiscoError('INVALID_ARGUMENT', 'INVALID_NAME', sentence);
}
