// Runs every command once with `--json`, all in this process, and prints what each printed and its exit code.
import { leavesOf } from '../../src/commands/examples.ts';
import { makeProgram } from '../../src/commands/program.ts';

export interface CommandRun {
  readonly args: readonly string[];
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

type Leaf = ReturnType<typeof leavesOf>[number];

const id = '0199c9a2-7d3e-7c11-9f0a-3b1f8c2d4e5f';

/** What a command takes, by what its help calls it. */
const values: readonly (readonly [name: RegExp, value: string])[] = [
  [/isin/, 'DE0007164600'],
  [/networks/, '203.0.113.0/24'],
  [/mic|^venue/, 'XETR'],
  [/method/, 'GET'],
  [/target/, '/webhooks'],
  [/size/, 'none'],
  [/shell/, 'bash'],
  [/scopes/, 'all'],
  [/file|dir/, 'nowhere'],
  [/name|reason|reference|text/, 'some text'],
  [/quantity/, '1'],
];

function sampleOf(name: string): string {
  return values.find(([form]) => form.test(name))?.[1] ?? id;
}

/** A command line that can be read: all arguments, and the options that it needs. */
export function argsOf({ words, command }: Leaf): readonly string[] {
  const given = command.registeredArguments.map((argument) => {
    return argument.argChoices?.[0] ?? sampleOf(argument.name());
  });
  const options = command.options
    .filter(({ mandatory }) => mandatory)
    .flatMap(({ long, flags, argChoices }) => [String(long), argChoices?.[0] ?? sampleOf(flags)]);
  return [...words, ...given, ...options];
}

/** Collects what is written while some work is done. */
async function collected(
  work: () => Promise<unknown>,
): Promise<{ readonly out: string; readonly err: string }> {
  const texts = { stdout: '', stderr: '' };
  const before = { stdout: process.stdout.write, stderr: process.stderr.write };
  for (const name of ['stdout', 'stderr'] as const) {
    process[name].write = (text: string | Uint8Array) => {
      texts[name] += String(text);
      return true;
    };
  }
  try {
    await work();
  } finally {
    process.stdout.write = before.stdout;
    process.stderr.write = before.stderr;
  }
  return { out: texts.stdout, err: texts.stderr };
}

/** Commands that go on until they are stopped, and wait for a database. */
export const services = ['start'];

if (import.meta.main) {
  process.setMaxListeners(0);
  process.stdout.setMaxListeners(0);
  const runs: CommandRun[] = [];
  for (const leaf of leavesOf(await makeProgram(), [])) {
    if (services.includes(leaf.words.join(' '))) continue;
    const args = [...argsOf(leaf), '--json'];
    process.exitCode = 0;
    const program = await makeProgram(args);
    const told = await collected(() => program.parseAsync(args, { from: 'user' }));
    runs.push({ args, code: Number(process.exitCode), ...told });
  }
  process.exitCode = 0;
  process.stdout.write(JSON.stringify(runs), () => process.exit());
}
