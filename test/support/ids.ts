// The same ids in every run, for tests of what is drawn by them: the simulated venue draws by the seed of its
// market and the client order id.
import { createHash } from 'node:crypto';
import { drawIdsFrom } from '../../src/ids.ts';
import type { AfterTest } from './database.ts';

/** Until the end of the test all ids are drawn alike, at an instant and in no order. The log has a part for what is past. */
export function drawIdsAlike(t: AfterTest, at: Date): void {
  let drawn = 0;
  const bytes = () => {
    drawn += 1;
    return createHash('sha256').update(`a${drawn}`).digest().subarray(0, 16);
  };
  drawIdsFrom({ now: () => at, bytes });
  t.after(async () => drawIdsFrom(undefined));
}
