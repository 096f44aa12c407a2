// Prints docs/configuration.md, made of the settings themselves so that it cannot go stale:
//   node tools/configuration-table.ts > docs/configuration.md
import { settings } from '../src/config.ts';

/** The page as text. */
export function configurationPage(): string {
  const rows = Object.values(settings).map(({ name, meaning, shape }) => {
    return `| \`${name}\` | ${meaning} | ${shape.replaceAll('|', '\\|')} |`;
  });
  return [
    '# Configuration',
    '',
    'Every setting is an environment variable. They are read once, at the start, and checked as a whole:',
    'each wrong one is named, and nothing starts. An empty variable counts as absent.',
    '',
    '| Variable | Meaning | Form |',
    '| --- | --- | --- |',
    ...rows,
    '',
    'Limits that are part of the design stand in [`src/limits.ts`](../src/limits.ts), each with its reason.',
    '',
  ].join('\n');
}

if (import.meta.main) process.stdout.write(configurationPage());
