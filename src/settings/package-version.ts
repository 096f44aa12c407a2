// The version of this package, read from its package.json once.

import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

const file = findPackageJSON(import.meta.url) ?? '';

/** Such as `0.1.0`. */
export const packageVersion: string = JSON.parse(readFileSync(file, 'utf8')).version;
