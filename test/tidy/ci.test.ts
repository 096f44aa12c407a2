// What .ci/run leaves out of the run on PostgreSQL 15 is there to be left out, and all that is new is run.
import assert from 'node:assert/strict';
import { glob, readFile, stat } from 'node:fs/promises';
import { test } from 'node:test';

const script = await readFile(new URL('../../.ci/run', import.meta.url), 'utf8');

/** The names between two bars of a variable of the script. */
function namesOf(variable: string): readonly string[] {
  const [, names] = new RegExp(`^ *${variable}='(.+)'$`, 'm').exec(script) ?? [];
  assert.ok(names, variable);
  return names.split('|');
}

/** Paths of `repeated`, one line a room: `'room/(one|two)'`. */
function repeated(): readonly string[] {
  const [, list] = /^ *repeated=\(\n([\s\S]*?)\n *\)$/m.exec(script) ?? [];
  assert.ok(list);
  return list.split('\n').flatMap((line) => {
    const [, room, names] = /^ *'(\w+)\/\(?([\w.|-]+)\)?'$/.exec(line) ?? [];
    assert.ok(room && names, line);
    return names.split('|').map((name) => `${room}/${name}`);
  });
}

const rooms = namesOf('others');
const files = [...namesOf('refused').map((name) => `http/${name}`), ...repeated()];

test('every room and every file that is left out is there', async () => {
  for (const room of rooms) assert.ok((await stat(`test/${room}`)).isDirectory(), room);
  for (const file of files) assert.ok((await stat(`test/${file}.test.ts`)).isFile(), file);
  assert.equal(new Set(files).size, files.length, 'once each');
});

test('every other room has files that are run, and what is left out is no more than is named', async () => {
  const leftOut = new Set(files.map((file) => `test/${file}.test.ts`));
  const run = new Map<string, number>();
  for await (const path of glob('test/*/**/*.test.ts')) {
    const [, room = ''] = path.split('/');
    if (!rooms.includes(room)) run.set(room, (run.get(room) ?? 0) + (leftOut.has(path) ? 0 : 1));
  }
  assert.deepEqual(
    [...run].filter(([, count]) => count === 0),
    [],
  );
});
