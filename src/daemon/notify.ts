/**
 * Tells systemd how the daemon is (sd_notify): nothing happens without NOTIFY_SOCKET.
 *
 * Node has no unix datagram sockets (nodejs/node #61933), so systemd's own tool carries the word.
 */
import { execFile } from 'node:child_process';
import type { Log } from '../base/log.ts';

/** @param state READY=1, STOPPING=1, STATUS=… */
export function notifySystemd(state: string, log: Log): void {
  if (process.env['NOTIFY_SOCKET'] === undefined) return;
  execFile('systemd-notify', [`--pid=${process.pid}`, state], (error) => {
    if (error !== null) log.warn({ error: error.message }, 'systemd-notify failed');
  });
}
