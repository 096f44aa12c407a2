// Writes the statement of a liquidation part by part, and lists the keys that have signed some.

import { open } from 'node:fs/promises';
import type { Seal } from '../auth/seal.ts';
import { findEveryPublicJwk } from '../auth/signing-keys.ts';
import type { Sql } from '../db/connect.ts';
import { whyUnreadable } from '../file-fault.ts';
import type { LiquidationId } from '../ids.ts';
import { Refusal } from '../refusal.ts';
import type { Config } from '../settings/config.ts';
import { openKeyFile, refuseOtherKeyFile } from '../settings/key-file.ts';
import { thumbprintOf } from '../statements/statement.ts';
import { writeStatement } from '../statements/write-statement.ts';
import { type OnClient, printJson } from './run.ts';
import { RefusedError, UsageError } from './usage-error.ts';

export async function openSeal(sql: Sql, config: Config): Promise<Seal> {
  const seal = await openKeyFile(config);
  await refuseOtherKeyFile(sql, config, seal);
  return seal;
}

/** Writes a part a line. @returns 0; 1 where there is none to write. */
export async function runWriteStatement(
  on: OnClient & { readonly seal: Seal },
  id: LiquidationId,
  file: string | undefined,
  executionsMax?: number,
): Promise<number> {
  const { tenantId, stdout } = on;
  const partOf = (part: number) => {
    return writeStatement(on, { tenantId, liquidationId: id, part }, executionsMax);
  };
  try {
    // Before there is a file, so that a refusal leaves none behind.
    const first = await partOf(1);
    const target = file === undefined ? undefined : await newFile(file);
    try {
      const write = async (text: string) => {
        if (target === undefined) stdout.write(text);
        else await target.write(text);
      };
      await write(`${JSON.stringify(first.signed)}\n`);
      for (let part = 2; part <= first.parts; part += 1) {
        await write(`${JSON.stringify((await partOf(part)).signed)}\n`);
      }
      await target?.sync();
    } finally {
      await target?.close();
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    stdout.write(`${error.message}\n`);
    return 1;
  }
  if (file !== undefined) stdout.write(`Written to ${file}.\n`);
  return 0;
}

async function newFile(file: string) {
  try {
    return await open(file, 'wx', 0o640);
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    const why = isThere ? 'it is there already, and is not written over' : whyUnreadable(error);
    throw new UsageError(`the file ${file} cannot be made: ${why}.`, { cause: error });
  }
}

/** Prints a JWK set with thumbprints. @returns 0. @throws RefusedError: there is no such client. */
export async function runStatementKeys({ sql, tenantId, stdout }: OnClient) {
  const texts = await findEveryPublicJwk(sql, tenantId);
  if (texts.length === 0) throw new RefusedError(`there is no client ${tenantId}.`);
  const keys = await Promise.all(
    texts.map(async (text) => {
      const jwk = JSON.parse(text);
      return { ...jwk, thumbprint: await thumbprintOf(jwk) };
    }),
  );
  return printJson(stdout, { keys });
}
