// Verifies a statement from a file, by keys from a file: nothing else is asked.

import { open } from 'node:fs/promises';
import { importPublicKey, UnusableKeyError } from '@unwind/signatures';
import { whyUnreadable } from '../file-fault.ts';
import { endReasons } from '../liquidations/liquidation.ts';
import { printableLine } from '../printable.ts';
import { StatementVerifier, type Trust, type Verdict } from '../statements/verify-statement.ts';
import { endWords } from './end-words.ts';
import { readInputFile } from './input-file.ts';
import { type Output, printJson } from './run.ts';
import { UsageError } from './usage-error.ts';

/** Half a million executions: more than any liquidation has. */
const statementFileBytesMax = 512 * 1_048_576;

/** @returns 0 where it is whole, signed by a key that is trusted, and adds up; else 1. */
export async function runVerifyStatement(options: {
  readonly file: string;
  readonly key?: string;
  readonly thumbprint?: string;
  readonly json?: boolean;
  readonly stdout: Output;
}): Promise<number> {
  const { file, key, thumbprint, json = false, stdout } = options;
  const verifier = new StatementVerifier({
    keys: key === undefined ? [] : await keysOf(key),
    thumbprints: thumbprint === undefined ? [] : [thumbprint],
  });
  await addParts(file, verifier);
  const verdict = await verifier.end();
  if (json) printJson(stdout, verdict);
  else stdout.write(textOf(verdict, file));
  return verdict.faults.length === 0 ? 0 : 1;
}

async function addParts(file: string, verifier: StatementVerifier): Promise<void> {
  const handle = await openFile(file);
  try {
    const { size } = await handle.stat();
    if (size > statementFileBytesMax) {
      throw new UsageError(`the file ${file} has more than ${statementFileBytesMax} bytes.`);
    }
    for await (const line of handle.readLines()) if (line.trim() !== '') await verifier.add(line);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EISDIR') {
      throw new UsageError(`${file} is a directory.`, { cause: error });
    }
    throw error;
  } finally {
    await handle.close();
  }
}

async function openFile(file: string) {
  try {
    return await open(file, 'r');
  } catch (error) {
    throw new UsageError(`the file ${file} cannot be read: ${whyUnreadable(error)}.`, {
      cause: error,
    });
  }
}

/** Ed25519 keys: one in any form, or a set of JWKs, of which others are left out. */
async function keysOf(file: string): Promise<Trust['keys']> {
  const bytes = await readInputFile(file);
  const text = bytes.toString('utf8').trimStart();
  const keys = text.startsWith('{') ? jwksOf(text, file) : [jwkOf(bytes, file)];
  const usable = keys.filter(({ kty, crv, x }) => {
    return kty === 'OKP' && crv === 'Ed25519' && typeof x === 'string';
  });
  if (usable.length === 0) throw new UsageError(`${file} holds no public Ed25519 key.`);
  return usable.map(({ kty, crv, x }) => ({ kty, crv, x }) as Trust['keys'][number]);
}

interface Jwk {
  readonly kty?: unknown;
  readonly crv?: unknown;
  readonly x?: unknown;
}

function jwksOf(text: string, file: string): readonly Jwk[] {
  try {
    const content = JSON.parse(text);
    return (Array.isArray(content.keys) ? content.keys : [content]).map(Object);
  } catch (error) {
    throw new UsageError(`${file} begins like JSON, but is none.`, { cause: error });
  }
}

function jwkOf(bytes: Buffer, file: string): Jwk {
  try {
    return importPublicKey(bytes).publicKey.export({ format: 'jwk' });
  } catch (error) {
    if (!(error instanceof UnusableKeyError)) throw error;
    throw new UsageError(`${file} holds no key: ${error.message}`, { cause: error });
  }
}

/** What a file says may be a word of a later version. */
function endOf(reason: string): string {
  const known = endReasons.find((one) => one === reason);
  return known === undefined ? reason : endWords(known);
}

function textOf({ faults, head, signedBy }: Verdict, file: string): string {
  const isWhole = faults.length === 0;
  // The verdict first: what follows is of a file that anybody may have written.
  const lines = isWhole ? [`Verified: ${file} is whole, as it was signed, and adds up.`] : [];
  if (!isWhole) lines.push('NOT verified:', ...faults.map(({ says }) => `  ${says}`));
  if (head !== undefined) {
    const { liquidation, totals, client_id: client } = head;
    lines.push(
      `Liquidation ${liquidation.id} of account ${liquidation.account_id}, client ${client}`,
      `${liquidation.status} ${liquidation.ended_at}: ${endOf(liquidation.end_reason)}`,
      `${totals.executions} executions, ${totals.void} of them void, earned EUR ${totals.proceeds}; fees are not known`,
    );
  }
  for (const thumbprint of signedBy)
    lines.push(`Signed by the key with the thumbprint ${thumbprint}`);
  const hasNoKey = faults.some(({ kind }) => kind === 'untrusted');
  if (hasNoKey) lines.push('Name the key that you trust, by --key FILE or --thumbprint TEXT.');
  return `${lines.map(printableLine).join('\n')}\n`;
}
