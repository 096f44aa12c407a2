// The completions, run by the shells that they are for; a shell that is not installed is said to be missing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { completionFor, type Shell } from '../../src/commands/completion.ts';
import { makeProgram } from '../../src/commands/program.ts';

const directory = await mkdtemp(join(tmpdir(), 'unwind-completion-'));
after(() => rm(directory, { recursive: true }));
const program = await makeProgram();

/** What is typed, and the only word that it can become. */
const typed = [
  ['unwind liqui', 'liquidations'],
  ['unwind liquidations expl', 'explain'],
  ['unwind halts set --every', '--everything'],
  ['unwind completion fi', 'fish'],
  ['unwind batches start --in-p', '--in-progress'],
] as const;

/** By each shell: a program that prints what the last word of a line becomes. */
const programs: Readonly<Record<Shell, (script: string, line: string) => string>> = {
  bash: (script, line) => `
    source ${script}
    COMP_WORDS=(${line}) COMP_CWORD=${line.split(' ').length - 1}
    _unwind
    printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: (script, line) => `source ${script}; complete -C '${line}' | cut -f 1`,
  // A terminal of its own, in which the key of completion is pressed, and then one that shows the line.
  zsh: (script, line) => `
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell "stty -echo; fpath=(${directory} \\$fpath); autoload -U compinit; compinit -u -D
      show() { print -r -- \\"<<\\$BUFFER>>\\" }; zle -N show; bindkey '^X' show; bindkey '^I' complete-word
      print rea''dy"
    zpty -r shell seen '*ready*'
    zpty -n -w shell '${line}'$'\\t\\C-x'
    zpty -r shell seen '*<<*>>*'
    print -r -- "\${\${seen##*<<}%%>>*}" # ${script}`,
};

for (const [shell, programOf] of Object.entries(programs) as [Shell, (typeof programs)[Shell]][]) {
  test(`${shell} completes nouns, verbs, options and choices`, async (t) => {
    const flags = { bash: ['--norc'], fish: ['--no-config'], zsh: ['-f'] }[shell];
    const run = promisify(execFile);
    const isThere = await run(shell, ['--version']).catch(({ code }) => code !== 'ENOENT');
    if (isThere === false) return t.skip(`${shell} is not installed here`);
    const script = join(directory, '_unwind');
    await writeFile(script, completionFor(shell, program));
    for (const [line, word] of typed) {
      const { stdout } = await run(shell, [...flags, '-c', programOf(script, line)]);
      assert.equal(stdout.trim().split(' ').at(-1), word, `${line}: ${stdout}`);
    }
  });
}
