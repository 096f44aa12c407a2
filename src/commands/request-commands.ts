// `unwind request`, `replay-request`, `listen` and `inspect-signature`: for those who write a client.

import { type Command, Option } from 'commander';
import type { SignaturePolicy } from '../auth/store.ts';
import { systemClock } from '../clock.ts';
import { httpUrl, kindList } from './arguments.ts';
import type { ListenOptions } from './listen-command.ts';
import { nounOf } from './nouns.ts';
import type { RequestOptions } from './request-command.ts';
import { outputTo, run } from './run.ts';
import { type ApiArguments, withApi } from './sandbox-access.ts';

export function addRequestCommands(program: Command): void {
  addRequests(program);
  addListen(program);
  addInspect(program);
}

type RequestArguments = Pick<RequestOptions, 'data' | 'idempotencyKey' | 'print' | 'json'> &
  ApiArguments;

function addRequests(program: Command): void {
  withApi(nounOf(program, 'request'))
    .argument('<method>', 'GET, POST, PATCH or DELETE')
    .argument('<target>', 'path and query, for example /webhooks')
    .option('--data <json>', 'body')
    .option('--idempotency-key <uuid>', 'default for POST: a fresh one')
    .option('--print', 'print the signed request instead of sending it')
    .option('--json', 'status, headers and body of the answer as one JSON document')
    .action((method: string, target: string, options: RequestArguments) => {
      const { stdout } = process;
      return run(async (config) => {
        const { runRequest } = await import('./request-command.ts');
        return runRequest({ config, method, target, ...options, access: options, stdout });
      });
    });
  withApi(nounOf(program, 'replay-request'))
    .argument('<file>', 'one of the files of that directory')
    .option('--new-key', 'as another request: with a fresh idempotency key')
    .option('--print', 'print the signed request instead of sending it')
    .option('--json', 'status, headers and body of the answer as one JSON document')
    .action((file: string, options: RequestArguments & { newKey?: true }) => {
      const { stdout } = process;
      return run(async (config) => {
        const { runReplayRequest } = await import('./replay-request-command.ts');
        return runReplayRequest({ config, file, ...options, access: options, stdout });
      });
    });
}

function addListen(program: Command): void {
  withApi(nounOf(program, 'listen'))
    .option('--types <list>', 'kinds of events, with commas between them (default: all)', kindList)
    .option(
      '--forward <url>',
      'hand each delivery on to this receiver, and its answer back',
      httpUrl,
    )
    .option('--from <time>', 'what has happened since then too: RFC 3339')
    .option('--json', 'each event as a line of JSON, as it was delivered')
    .action(
      (options: Pick<ListenOptions, 'types' | 'forward' | 'from' | 'json'> & ApiArguments) => {
        const { stdout, stderr } = process;
        const to = { clock: systemClock, stdout, stderr };
        return run(async (config) => {
          const { runListen } = await import('./listen-command.ts');
          return runListen({ config, ...to, ...options, access: options });
        });
      },
    );
}

interface InspectArguments {
  readonly key?: string;
  readonly signaturePolicy?: SignaturePolicy;
  readonly at?: string;
  readonly json?: boolean;
}

function addInspect(program: Command): void {
  nounOf(program, 'inspect-signature')
    .argument('[file]', 'request line, headers, empty line, body; default standard input', '-')
    .option('--key <file>', 'public key: PEM, JWK or JWK set (default: of the client it names)')
    .addOption(
      new Option(
        '--signature-policy <policy>',
        'default: that of the client, else compatible',
      ).choices(['strict', 'compatible']),
    )
    .option('--at <time>', 'judge it as of this time: RFC 3339, or Unix seconds (default: now)')
    .option('--json', 'one JSON document instead of text')
    .action((file: string, { key, signaturePolicy, at, json = false }: InspectArguments) => {
      const { stdin } = process;
      const stdout = outputTo(process.stdout);
      const own = { file, keyFile: key, policy: signaturePolicy, at, isJson: json, stdin, stdout };
      return run(async (config, log) => {
        const { runInspect } = await import('./inspect-command.ts');
        return runInspect({ config, log, clock: systemClock, ...own });
      });
    });
}
