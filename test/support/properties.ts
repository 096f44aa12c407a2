// fast-check with the same examples in every run, so that a property which fails does so always, where its change
// was made; in full with others each time. A failure prints its seed and path either way.
import fc from 'fast-check';
import { isFull } from './length.ts';

if (!isFull) fc.configureGlobal({ seed: 1 });

export { fc };
