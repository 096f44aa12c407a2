// The program that tests start: `npm test` has made one file of it (tools/test-bundle.ts).
import { fileURLToPath } from 'node:url';

export const mainFile =
  process.env['UNWIND_TEST_MAIN'] ?? fileURLToPath(new URL('../../src/main.ts', import.meta.url));
