// Ends the process where Node is too old, and says what to do, in words and syntax that every Node can
// read. Loaded before TypeScript is: `node --import ./bin/needed-node.js src/main.ts`.

import module from 'node:module';
import { fileURLToPath } from 'node:url';

const needed = 24;
const found = process.versions.node;

if (Number(found.split('.')[0]) < needed) {
  console.error(
    `unwind: Node ${needed} or newer is needed; ${process.execPath} is ${found}.\n` +
      'npm brings Node 24 along: run "npm install" without --omit=optional, then "npm start" or\n' +
      '"npm run". pnpm, yarn and npx take the Node that they find: install Node 24 for those.',
  );
  process.exit(2);
}

// What Node has made of the sources is kept beside them, where that can be written: it takes longer than most
// commands do. Nobody but who installed Unwind writes there.
module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/unwind', import.meta.url)));
