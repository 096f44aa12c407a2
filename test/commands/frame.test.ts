// What all commands have in common, held against every command that there is.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Command, CommanderError } from 'commander';
import { leavesOf, olderNames } from '../../src/commands/examples.ts';
import { refuseUnknownCommand } from '../../src/commands/frame.ts';
import { makeProgram } from '../../src/commands/program.ts';
import { newHome, programEnvironment } from '../service/processes.ts';
import { argsOf, type CommandRun, services } from './every-command.ts';

/** The program, as it is when a command line cannot be read: it throws instead of ending the process. */
async function quietProgram(args: readonly string[]) {
  const program = await makeProgram(args);
  let errors = '';
  const quiet = (command: Command): void => {
    command.exitOverride((error) => {
      throw error;
    });
    command.configureOutput({
      writeErr: (text) => {
        errors += text;
      },
      writeOut: () => {},
    });
    command.commands.forEach(quiet);
  };
  quiet(program);
  return { program, errors: () => errors };
}

/** What is said about a command line that cannot be read. */
async function refusalOf(...args: readonly string[]): Promise<string> {
  const { program, errors } = await quietProgram(args);
  const parse = async () => {
    refuseUnknownCommand(program, args);
    await program.parseAsync(args, { from: 'user' });
  };
  await assert.rejects(parse, (error) => error instanceof CommanderError && error.exitCode !== 0);
  return errors();
}

const leaves = leavesOf(await makeProgram(), []);
const namesOf = (one: (typeof leaves)[number]) => one.words.join(' ');

test('every command has help with an example, exit codes, and --json', () => {
  assert.ok(leaves.length > 40);
  for (const leaf of leaves) {
    let help = '';
    leaf.command.configureOutput({
      writeOut: (text) => {
        help += text;
      },
    });
    leaf.command.outputHelp();
    const name = namesOf(leaf);
    assert.match(help, /\nExamples:\n {2}\S/, name);
    assert.match(help, /\nExit codes: 0 done, 1 \S.*, 2 could not be run\n/, name);
    assert.match(help, / --json /, name);
    assert.ok(leaf.command.description() !== '', name);
  }
});

test('every command suggests the option that was meant', async () => {
  for (const leaf of leaves) {
    const said = await refusalOf(...argsOf(leaf), '--jsno');
    assert.match(said, /unknown option '--jsno'\n\(Did you mean --json\?\)/, namesOf(leaf));
  }
});

test('every group suggests the command that was meant, also where it lists by default', async () => {
  const groups = new Set(
    leaves.flatMap(({ words: [first], command }) => {
      return command.parent?.parent ? [String(first)] : [];
    }),
  );
  assert.ok(groups.has('liquidations') && groups.has('clients'));
  for (const group of groups) {
    const verb = leaves.find(({ words }) => words[0] === group)?.words[1] ?? assert.fail(group);
    const said = await refusalOf(group, `${verb}x`);
    assert.match(
      said,
      new RegExp(`unknown command '${verb}x'\\n\\(Did you mean ${verb}\\?\\)`),
      group,
    );
  }
  assert.match(await refusalOf('liquidatoins'), /Did you mean liquidations\?/);
  assert.match(await refusalOf('xyzzy'), /unknown command 'xyzzy'/);
});

test('older names lead to the same command', () => {
  for (const [older, now] of Object.entries(olderNames)) {
    const [one, other] = [older, now].map((name) => {
      const found = leaves.find((leaf) => namesOf(leaf) === name);
      return found?.command.options.map(({ flags }) => flags) ?? assert.fail(name);
    });
    assert.deepEqual(one, other);
  }
});

test('with --json every command prints JSON, also where it cannot be run', async (t) => {
  const home = await newHome(t);
  const settings = {
    UNWIND_HOME: home,
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    UNWIND_LOG_LEVEL: 'silent',
  };
  const every = fileURLToPath(new URL('./every-command.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [every], {
    env: programEnvironment(settings),
    cwd: dirname(home), // some of them write files
    maxBuffer: 8 * 1_048_576,
  });
  const runs = JSON.parse(stdout) as readonly CommandRun[];
  assert.equal(runs.length, leaves.length - services.length);
  for (const { args, code, out, err } of runs) {
    const name = args.join(' ');
    const document = JSON.parse(out);
    assert.ok(!(out + err).includes('\u001b'), name);
    if (code === 0) {
      // What needs neither database nor service.
      assert.match(name, /^(commands|completion|trail key|version) /);
      continue;
    }
    if (args[0] === 'doctor') {
      // A database that is not there is what it looks for.
      assert.deepEqual([code, document.ok], [1, false]);
      continue;
    }
    assert.equal(code, 2, `${name}: ${err}`);
    assert.deepEqual([document.ok, document.exit_code], [false, 2], name);
    assert.match(document.error, /\S/, name);
    assert.ok(err.startsWith('unwind: '), `${name}: ${err}`);
  }
});

/** What a process loads that runs a command line, by the names of files. */
async function loadedBy(...args: readonly string[]): Promise<string> {
  const hook = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    process.on('exit', () => process.stderr.write(loaded.join('\\n')));`;
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
  const preloaded = `data:text/javascript,${encodeURIComponent(hook)}`;
  const line = ['--import', preloaded, main, ...args];
  return (await promisify(execFile)(process.execPath, line)).stderr;
}

test('help loads neither a driver nor what other commands need', async () => {
  const driver = /node_modules\/(pg|pino|fastify)\//;
  const ofHelp = await loadedBy('--help');
  assert.match(ofHelp, /commands\/nouns\.ts/);
  assert.doesNotMatch(ofHelp, driver);
  assert.doesNotMatch(ofHelp, /halts-command/);
  const ofOne = await loadedBy('halts', '--help');
  assert.match(ofOne, /halts-command/);
  assert.doesNotMatch(ofOne, /clients-command|packages\/client/);
});
