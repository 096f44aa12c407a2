// The log for people: one line for each event, with what a person asks first.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { lineOf, openLog } from '../../src/commands/log.ts';

const time = new Date(2026, 6, 1, 9, 30, 37).getTime();

function shown(fields: object, msg: string, level = 30): string {
  return lineOf(JSON.stringify({ level, time, ...fields, msg }), false);
}

test('events are words, with values and their units', () => {
  const request = {
    request_id: 'x',
    method: 'GET',
    route: '/webhooks',
    status: 200,
    duration_ms: 12,
  };
  assert.equal(
    shown(request, 'request.finished'),
    '09:30:37 request finished: GET /webhooks 200, 12 ms',
  );
  assert.equal(shown({ requests: 5 }, 'webhook.sent'), '09:30:37 webhook sent: requests 5');
  const waiting = { fault: 'Cannot connect.', wait_ms: 500 };
  assert.equal(
    shown(waiting, 'database.waiting', 40),
    '09:30:37 warning: database waiting: Cannot connect., wait 500 ms',
  );
  const sentence = 'Nothing is sold (UNWIND_SIMULATE_FILLS=yes).';
  assert.equal(shown({}, sentence, 40), `09:30:37 warning: ${sentence}`);
});

test('an error is its message and its code, without a stack', () => {
  const err = {
    type: 'Error',
    message: 'gone',
    stack: 'Error: gone\n    at x',
    code: 'ECONNREFUSED',
  };
  assert.equal(
    shown({ loop: 'publish', err }, 'loop.step_failed', 50),
    '09:30:37 error: loop step failed: loop publish, gone (ECONNREFUSED)',
  );
});

test('nothing of a client moves the terminal', () => {
  const line = shown({ route: '/\u001b[2J', name: 'a\nb' }, 'request.finished');
  assert.ok(!line.includes('\u001b') && !line.includes('\n'), JSON.stringify(line));
});

test('a terminal gets colours and lines for people, unless settings say JSON', () => {
  const written: string[] = [];
  const terminal = { isTTY: true, write: (text: string) => written.push(text) };
  openLog({}, 'info', terminal).warn({ wait_ms: 1 }, 'database.waiting');
  const line = stripVTControlCharacters(written.join(''));
  assert.notEqual(line, written.join(''), 'in colour');
  assert.match(line, /^\d\d:\d\d:\d\d warning: database waiting: wait 1 ms\n$/);
  const pipe = { isTTY: false, write: (text: string) => written.push(text) };
  openLog({ format: 'text' }, 'info', pipe).info('service.stopping');
  assert.match(written.at(-1) ?? '', /^\d\d:\d\d:\d\d service stopping\n$/);
  openLog({ level: 'error', format: 'text' }, 'info', pipe).info('service.stopping');
  assert.equal(written.length, 2, 'the level of the settings holds');
});
