// docs/simulated-venue.md says what the tables of the code say.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { isIsin } from '../../src/book/isin.ts';
import { controlMarketBody } from '../../src/http/market-schemas.ts';
import {
  courses,
  type SandboxInstrument,
  sandboxInstruments,
} from '../../src/venue/simulated/behaviour.ts';

const document = await readFile(new URL('../../docs/simulated-venue.md', import.meta.url), 'utf8');

/** Cells of the rows of the table with this heading. */
function tableOf(heading: string): readonly (readonly string[])[] {
  const lines = document.split('\n');
  const start = lines.indexOf(heading);
  assert.ok(start >= 0, heading);
  const end = lines.indexOf('', start);
  return lines.slice(start + 2, end).map((line) => line.slice(2, -2).split(' | '));
}

function priceOf({ price }: SandboxInstrument): string {
  const said = {
    imported: 'imported',
    wandering: 'wanders, 80 to 120',
    swinging: 'swings, 200 to 300 and back within the hour',
  };
  return price.type === 'fixed' ? price.price : said[price.type];
}

function treatmentOf({ behaviour }: SandboxInstrument): string {
  const { course, losesAnswers, repeatsReports, shufflesReports, delaysReportsMs } = behaviour;
  return [
    courses[course],
    ...(losesAnswers ? ['the responses to its orders are lost'] : []),
    ...(repeatsReports ? ['each report comes twice'] : []),
    ...(shufflesReports ? ['reports come in any order'] : []),
    ...(delaysReportsMs > 0 ? [`reports come ${delaysReportsMs / 1_000} s late`] : []),
  ].join('; ');
}

test('the table of instruments is that of the venue', () => {
  const told = tableOf('| ISIN | Price in EUR | What happens to an order |');
  const true_ = Object.entries(sandboxInstruments).map(([isin, instrument]) => {
    return [`\`${isin}\``, priceOf(instrument), treatmentOf(instrument)];
  });
  assert.deepEqual(told, true_);
});

test('the table of courses is that of the venue', () => {
  const told = tableOf('| `course` | |');
  assert.deepEqual(
    told,
    Object.entries(courses).map(([course, says]) => [`\`${course}\``, says]),
  );
});

test('the table of wishes names every member of the body, in the order in which they are done', () => {
  const told = tableOf('| Member | Example | |').map(([member = '']) => member.slice(1, -1));
  const members = new Set(told.map((member) => member.split('.')[0]));
  assert.deepEqual([...members], Object.keys(controlMarketBody.properties));
});

test('instruments of our own have ISINs with a true check digit', () => {
  for (const isin of Object.keys(sandboxInstruments)) assert.ok(isIsin(isin), isin);
});
