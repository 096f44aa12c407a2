// Writes the tables of commands and exit codes into docs/cli.md, made of the program itself so that they cannot go stale:
//   node tools/commands-table.ts
import { readFile, writeFile } from 'node:fs/promises';
import { exitCodes, listCommands } from '../src/commands/frame.ts';
import { makeProgram } from '../src/commands/program.ts';

const page = new URL('../docs/cli.md', import.meta.url);

const program = await makeProgram();

/** The page with what stands between its marks made anew. */
export function withTables(text: string): string {
  const commands = listCommands(program).map(({ usage, description }) => {
    return `| \`unwind ${usage.replaceAll('|', '\\|')}\` | ${description} |`;
  });
  const codes = Object.entries(exitCodes).map(([code, meaning]) => `| ${code} | ${meaning} |`);
  const tables = {
    commands: ['| Command | What it does |', '| --- | --- |', ...commands],
    'exit codes': ['| Exit code | Meaning |', '| --- | --- |', ...codes],
  };
  return Object.entries(tables).reduce((before, [name, lines]) => {
    const marks = new RegExp(`(<!-- begin: ${name} .*-->\\n)[^]*?(<!-- end: ${name} -->)`);
    return before.replace(marks, (_, begin, end) => `${begin}${lines.join('\n')}\n${end}`);
  }, text);
}

if (import.meta.main) await writeFile(page, withTables(await readFile(page, 'utf8')));
