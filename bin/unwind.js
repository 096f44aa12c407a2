#!/usr/bin/env node
// The command `unwind`: of the published package, which holds dist/, and of a checkout, which needs none.

import './needed-node.js';
import { existsSync } from 'node:fs';

const built = new URL('../dist/main.js', import.meta.url);
await import(existsSync(built) ? built.href : new URL('../src/main.ts', import.meta.url).href);
