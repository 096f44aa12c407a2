// fast-check with the same examples in every run, so that a property which fails does so always, where its change
// was made; in full with others each time. A failure prints its seed and path either way.
import fc from 'fast-check';
import { isFull } from './length.ts';

if (!isFull) fc.configureGlobal({ seed: 1 });

/**
 * Any character, often one of ASCII: a unit of `fc.string`. That of fast-check (`binary`) lists a million of them
 * in each process, which takes it a second.
 */
const character = fc
  .oneof(
    fc.integer({ min: 0, max: 0x7f }),
    fc.integer({ min: 0, max: 0xd7ff }),
    fc.integer({ min: 0xe000, max: 0x10ffff }),
  )
  .map((code) => String.fromCodePoint(code));

export { character, fc };
