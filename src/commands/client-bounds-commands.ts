// `unwind clients certificates` and `addresses`: what a client has to call with, and from where.

import { X509Certificate } from 'node:crypto';
import { type Command, InvalidArgumentError } from 'commander';
import { changeCertificates, type Instruction, setClientNetworks } from '../auth/change-client.ts';
import { sha256 } from '../auth/secret.ts';
import type { Clock } from '../clock.ts';
import type { Sql } from '../db/connect.ts';
import type { TenantId } from '../ids.ts';
import { readNetworks } from '../settings/setting.ts';
import { each } from './arguments.ts';
import { type ByWhom, changed, changedBy, changesOf } from './change-client-command.ts';
import { readInputFile } from './input-file.ts';
import { UsageError } from './usage-error.ts';

interface CertificateOptions extends ByWhom {
  /** Files. */
  readonly add?: readonly string[];
  readonly remove?: readonly Buffer[];
  readonly clear?: true;
}

export function addBoundsCommands(clients: Command): void {
  const changing = changesOf(clients);
  changing('certificates', 'choose the certificates that a client has to call with, behind a proxy')
    .option('--add <file>', 'a certificate, PEM or DER; again for each further one', each(String))
    .option('--remove <sha256>', 'one that show prints; its tokens end', each(fingerprint))
    .option('--clear', 'take all away: the client needs none any more')
    .action((id: TenantId, { add = [], remove = [], clear, ...by }: CertificateOptions) => {
      const read = async () => {
        if (add.length + remove.length === 0 && clear === undefined) {
          throw new UsageError('say --add, --remove or --clear.');
        }
        if (clear && add.length + remove.length > 0) {
          throw new UsageError('--clear takes all away: it goes with neither --add nor --remove.');
        }
        const files = await Promise.all(add.map(readCertificateFile));
        const made = { add: files, remove: clear ? 'all' : remove } as const;
        return (sql: Sql, clock: Clock, instruction: Instruction) => {
          return changeCertificates(sql, clock, { ...instruction, ...made });
        };
      };
      return changedBy('change_client_certificates', id, by, read, (certificates) => ({
        certificates: certificates.map((one) => one.toString('hex')),
      }));
    });
  changing('addresses', 'choose the addresses that a client may call from')
    .requiredOption(
      '--set <networks>',
      'such as 203.0.113.0/24,2001:db8::/48, or any: from anywhere',
      addresses,
    )
    .action((id: TenantId, { set: networks, ...by }: ByWhom & { set: readonly string[] }) => {
      const choose = (sql: Sql, clock: Clock, instruction: Instruction) => {
        return setClientNetworks(sql, clock, { ...instruction, networks });
      };
      return changed('set_client_addresses', id, by, choose, () => ({ addresses: networks }));
    });
}

/** SHA-256 in hex, also with colons, as OpenSSL prints it. */
function fingerprint(text: string): Buffer {
  const hex = text.replaceAll(':', '');
  if (/^[0-9a-f]{64}$/i.test(hex)) return Buffer.from(hex, 'hex');
  throw new InvalidArgumentError('It is no SHA-256 in hex.');
}

function addresses(text: string): readonly string[] {
  if (text === 'any') return [];
  try {
    return readNetworks(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InvalidArgumentError(`It ${error.message}, such as 203.0.113.0/24,2001:db8::1.`);
  }
}

/** The SHA-256 of the one certificate of a file. @throws UsageError */
async function readCertificateFile(file: string): Promise<Buffer> {
  const content = await readInputFile(file);
  if (content.toString('latin1').split('BEGIN CERTIFICATE').length > 2) {
    throw new UsageError(`the file ${file} holds several certificates: name that of the client.`);
  }
  try {
    return sha256(new X509Certificate(content).raw);
  } catch (error) {
    throw new UsageError(`the file ${file} holds no certificate.`, { cause: error });
  }
}
