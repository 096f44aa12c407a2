// How a process ends when it is told to: what is under way is finished, nothing is begun, and a stop
// that takes too long is cut short with an exit code that says so.
// Long by nature: it starts services.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually } from '../support/condition.ts';
import { onlyFull } from '../support/length.ts';
import { quick, says, startDelivering } from './delivering.ts';
import { newHomeOnServer, patienceMs, startService } from './processes.ts';

/** A connection to a service that collects what comes. */
async function dial(t: TestContext, url: string): Promise<{ socket: Socket; text: () => string }> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await once(socket, 'connect');
  t.after(async () => void socket.destroy());
  return { socket, text: () => text };
}

/** What a stopping service leaves who has not sent a whole request, in ms, and a little less. */
const writtenWithinMs = 800;

test('a request under way is answered, its connection ends, and no other is taken', async (t) => {
  const triesMax = 5;
  for (let tries = 1; !(await isAnsweredWhole(t)); tries += 1)
    assert.ok(tries < triesMax, 'this machine is too busy to send the rest of a request in time');
});

/** @returns false where this process came too late with the rest of the request, as on a busy machine. */
async function isAnsweredWhole(t: TestContext): Promise<boolean> {
  const home = await newHomeOnServer(t);
  const service = await startService(t, { home, settings: quick });
  const [slow, idle] = [await dial(t, service.url), await dial(t, service.url)];
  idle.socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
  await eventually('the idle connection was used', () => idle.text().includes('alive'));
  const head = 'POST /auth/token HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\n';
  slow.socket.write(`${head}ab`);
  // Once a later connection is answered, the bytes before it have arrived as well.
  assert.equal((await fetch(`${service.url}/healthz`)).status, 200);
  const idleEnds = once(idle.socket, 'close');
  const slowEnds = once(slow.socket, 'close');
  const toldAtMs = performance.now();
  service.kill('SIGTERM');
  await idleEnds;
  // Both at once: who has not sent a whole request is left a second for it.
  const refused = assert.rejects(fetch(`${service.url}/healthz`), 'it listens no more');
  slow.socket.write('cd');
  const isInTime = performance.now() - toldAtMs < writtenWithinMs;
  await Promise.all([refused, slowEnds]);
  assert.deepEqual(await service.ended, { code: 0, signal: null }, service.stderr());
  if (!isInTime && slow.text() === '') return false;
  assert.match(slow.text(), /^HTTP\/1\.1 4\d\d .*\r\n\r\n\{"type":/s, 'the whole answer');
  assert.match(slow.text(), /^connection: close\r$/im);
  return true;
}

test(
  'a stop gives a receiver that does not answer a while, and ends with 0',
  onlyFull,
  async (t) => {
    const { service } = await startDelivering(t, {});
    service.kill('SIGTERM');
    assert.deepEqual(await service.ended, { code: 0, signal: null }, service.stderr());
    assert.ok(says(service, 'service.stopping'));
  },
);

test('a stop that takes longer than it may ends with 1', async (t) => {
  const { service } = await startDelivering(t, { UNWIND_STOP_TIMEOUT_MS: '1000' });
  service.kill('SIGTERM');
  assert.deepEqual(await service.ended, { code: 1, signal: null }, service.stderr());
  assert.ok(says(service, 'service.stop_timed_out'));
});

test(
  'a second signal, once it cannot be an echo of the first, ends the stop with 1',
  onlyFull,
  async (t) => {
    const { service } = await startDelivering(t, {});
    const ended = service.ended.then((how) => how);
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    await eventually(
      'it has ended',
      () => {
        if (!isOver) service.kill('SIGTERM');
        return isOver;
      },
      patienceMs,
    );
    assert.deepEqual(await ended, { code: 1, signal: null }, service.stderr());
    assert.ok(says(service, 'service.stop_cut_short'));
  },
);
