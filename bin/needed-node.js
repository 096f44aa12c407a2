// Ends the process where Node is too old, and says what to do, in words and syntax that every Node can
// read. Loaded before TypeScript is: `node --import ./bin/needed-node.js src/main.ts`.

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
