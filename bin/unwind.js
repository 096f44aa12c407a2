#!/usr/bin/env node
// The command `unwind` of the published package: says what it needs on a Node that is too old, in
// words every Node can read, and else runs the command line.

const needed = 24;
const found = process.versions.node;

if (Number(found.split('.')[0]) < needed) {
  console.error(`unwind: Node ${needed} or newer is needed; ${process.execPath} is ${found}.`);
  process.exitCode = 2;
} else {
  import('../dist/main.js');
}
