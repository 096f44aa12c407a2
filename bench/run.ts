// What `npm run bench` runs: scenarios, one line each, every figure beside its floor.
//
//   npm run bench                     all of them but those that are run by hand
//   npm run bench -- create --json    one, as JSON
//   npm run bench -- --tiny           all with next to no data: whether they run, not what they say

import { parseArgs } from 'node:util';
import type { Figure } from './figures.ts';
import { openPlace, type Place } from './place.ts';
import { batch } from './scenarios/batch.ts';
import { create } from './scenarios/create.ts';
import { deliver } from './scenarios/deliver.ts';
import { fairness } from './scenarios/fairness.ts';
import { fix } from './scenarios/fix.ts';
import { flood } from './scenarios/flood.ts';
import { liquidate } from './scenarios/liquidate.ts';
import { log } from './scenarios/log.ts';
import { read } from './scenarios/read.ts';

type Scenario = (place: Place, isTiny: boolean) => Promise<readonly Figure[]>;

const scenarios: Readonly<Record<string, Scenario>> = {
  create,
  read,
  liquidate,
  flood,
  fairness,
  batch,
  deliver,
  fix,
  log,
};

/** Takes as long as all the others together; run where it is named. */
const byHand: ReadonlySet<string> = new Set(['log']);

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean' }, tiny: { type: 'boolean' } },
  });
  const isTiny = values.tiny === true;
  const usual = Object.keys(scenarios).filter((name) => isTiny || !byHand.has(name));
  const names = positionals.length > 0 ? positionals : usual;
  const unknown = names.filter((name) => !Object.hasOwn(scenarios, name));
  if (unknown.length > 0) {
    const known = Object.keys(scenarios).join(', ');
    console.error(`There is no scenario ${unknown.join(', ')}; there are ${known}.`);
    return 2;
  }
  const place = await openPlace();
  try {
    for (const name of names) {
      const figures = (await scenarios[name]?.(place, isTiny)) ?? [];
      for (const one of figures) print(one, values.json === true);
    }
  } finally {
    await place.close();
  }
  return 0;
}

function print(figure: Figure, asJson: boolean): void {
  if (asJson) {
    console.log(JSON.stringify(figure));
    return;
  }
  const { scenario, value, unit, against, against_value, ratio, goal } = figure;
  console.log(`${scenario}: ${value} ${unit}`);
  console.log(`  ${against}: ${against_value}`);
  console.log(`  ratio ${ratio}, goal ${goal}`);
}
