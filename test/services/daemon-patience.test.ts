import { test } from 'tap';
import { DiscoError } from '../../src/client/index.ts';
import { reportState, whenDaemonIsThere } from '../../src/services/daemon-patience.ts';

const away = (message: string): DiscoError => new DiscoError('UNAVAILABLE', 'NO_DAEMON', message);

test('what works at once is not talked about', async (t) => {
  const lines: string[] = [];
  const { signal } = new AbortController();
  t.equal(
    await whenDaemonIsThere(
      async () => 7,
      (line) => lines.push(line),
      signal,
    ),
    7,
  );
  t.strictSame(lines, []);
});

test('while the daemon is away it is tried again, and each reason told once', async (t) => {
  const lines: string[] = [];
  const answers = [away('not there'), away('not there'), away('starting')];
  const attempt = async (): Promise<string> => {
    const error = answers.shift();
    if (error !== undefined) throw error;
    return 'there';
  };
  const { signal } = new AbortController();
  const pauses: number[] = [];
  const pause = async (ms: number): Promise<void> => void pauses.push(ms);
  const result = await whenDaemonIsThere(attempt, (line) => lines.push(line), signal, pause);
  t.equal(result, 'there');
  t.strictSame(lines, ['waiting: not there', 'waiting: starting']);
  t.strictSame(pauses, [250, 500, 1_000]);
});

test('what waiting does not mend is thrown', async (t) => {
  const attempt = async (): Promise<never> => {
    throw new DiscoError('INVALID_ARGUMENT', 'INVALID_NAME', 'no blanks');
  };
  const { signal } = new AbortController();
  const line = (): void => void t.fail('nothing to wait for');
  await t.rejects(whenDaemonIsThere(attempt, line, signal), { message: 'no blanks' });
});

test('an abort ends the waiting, before and during a pause', async (t) => {
  const controller = new AbortController();
  const attempt = async (): Promise<never> => {
    throw away('not there');
  };
  const waiting = whenDaemonIsThere(
    attempt,
    () => controller.abort(new Error('enough')),
    controller.signal,
  );
  await t.rejects(waiting, { message: 'enough' });
  const line = (): void => void t.fail('not even tried');
  await t.rejects(whenDaemonIsThere(attempt, line, controller.signal), { message: 'enough' });
});

test('people are told when a registration is lost and when it is mended', async (t) => {
  const lines: string[] = [];
  const onStateChange = reportState('math/add', (line) => lines.push(line));
  onStateChange('lost', away('no daemon there'));
  onStateChange('registered', undefined);
  t.strictSame(lines, [
    'math/add still serves, but its registration is lost: no daemon there',
    'math/add is registered again',
  ]);
});
