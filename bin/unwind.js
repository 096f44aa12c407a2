#!/usr/bin/env node
// The command `unwind` of the published package.

import './needed-node.js';

await import('../dist/main.js');
