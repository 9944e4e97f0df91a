/** Why a door of the API does not open, and what to do: the same words at each of them. */
import { DiscoError, errorText } from '../base/error.ts';

/** A door, in the words of an operator. */
export interface DoorWords {
  /** Such as HTTP. */
  readonly name: string;
  /** Names its address. */
  readonly flag: string;
  /** It may be `off`. */
  readonly isOptional: boolean;
  /** What else may be wrong with an address; a sentence without its end. */
  readonly hint?: string;
}

/** Another process listens there. */
export function addressInUse(door: DoorWords, address: string, cause?: unknown): DiscoError {
  const off = door.isOptional ? ', off for none' : '';
  const sentence = `the ${door.name} address ${address} is in use by another process: stop that one, or give another ${door.flag} (port 0 picks a free one${off})`;
  return new DiscoError('FAILED_PRECONDITION', 'PORT_IN_USE', sentence, cause);
}

/** @returns FAILED_PRECONDITION: PORT_IN_USE, ADDRESS_UNAVAILABLE */
export function listenError(door: DoorWords, address: string, error: unknown): DiscoError {
  const why = errorText(error);
  // grpc-js tells it in its message alone.
  const isTaken = (error as { code?: unknown }).code === 'EADDRINUSE';
  if (isTaken || why.includes('EADDRINUSE')) return addressInUse(door, address, error);
  const hint = door.hint === undefined ? '' : ` (${door.hint})`;
  const off = door.isOptional ? ', or off' : '';
  const sentence = `cannot listen for ${door.name} on ${address} (${why}): give an address of this host with ${door.flag}${hint}${off}`;
  return new DiscoError('FAILED_PRECONDITION', 'ADDRESS_UNAVAILABLE', sentence, error);
}
