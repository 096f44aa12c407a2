// Prints the API document, of a sandbox with everything it has, or checks it by the rules in redocly.yaml:
//   node tools/openapi.ts > openapi.json
//   node tools/openapi.ts --contract=2026
//   node tools/openapi.ts --check
import { fileURLToPath } from 'node:url';
import { formatProblems, getTotals, lintFromString, loadConfig } from '@redocly/openapi-core';
import { type Contract, contracts } from '../src/auth/store.ts';
import { documentText } from '../src/http/document-routes.ts';
import { errorPages } from '../src/http/error-pages.ts';
import { inspectRoute } from '../src/http/inspect-route.ts';
import type { OpenRoute } from '../src/http/open-route.ts';
import { probes } from '../src/http/probes.ts';
import { type Handlers, signedRoutes } from '../src/http/routes.ts';
import { tokenRoutes } from '../src/http/token-route.ts';
import { tunnelHealthRoute } from '../src/http/tunnel-handlers.ts';

/** Stands for whatever a route would call: the document is made of the table alone. */
const nobody: object = new Proxy(() => nobody, { get: () => nobody });

/** The document of a service that has every operation, in a version of the contract. */
export function wholeDocument(contract: Contract): string {
  const open: readonly OpenRoute[] = [
    ...tokenRoutes(nobody as Parameters<typeof tokenRoutes>[0]),
    inspectRoute(nobody as Parameters<typeof inspectRoute>[0]),
    tunnelHealthRoute,
    ...errorPages(),
    ...probes(async () => ({ ready: true, checks: {} })),
  ];
  return documentText({ routes: signedRoutes(nobody as Handlers), open, contract });
}

/** Holds a document against the rules. @returns how many it breaks. */
export async function checkDocument(text: string): Promise<number> {
  const configPath = fileURLToPath(new URL('../redocly.yaml', import.meta.url));
  const config = await loadConfig({ configPath });
  const problems = await lintFromString({ source: text, absoluteRef: 'openapi.json', config });
  const totals = getTotals(problems);
  formatProblems(problems, { format: 'codeframe', totals, version: 'openapi' });
  return totals.errors + totals.warnings;
}

if (import.meta.main) {
  // As behind `| head`: what is not read need not be written.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  const textOf = (contract: Contract) => {
    return `${JSON.stringify(JSON.parse(wholeDocument(contract)), null, 2)}\n`;
  };
  if (process.argv.includes('--check')) {
    for (const contract of contracts) {
      const broken = await checkDocument(textOf(contract));
      process.stdout.write(`The API document of ${contract} breaks ${broken} rules.\n`);
      if (broken > 0) process.exitCode = 1;
    }
  } else {
    process.stdout.write(textOf(process.argv.includes('--contract=2026') ? '2026' : '2023'));
  }
}
