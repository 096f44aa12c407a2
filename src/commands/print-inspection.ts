// An inspection for a person to read, the verdict last, since that is what a terminal shows first.

import type { InspectedSignature, Inspection } from '@unwind/signatures';
import { printableLine } from '../printable.ts';

const dialectNames = {
  '1': 'draft 01',
  '6': 'draft 06',
  '15': 'draft 15',
  '9421': 'RFC 9421',
} as const;

const labelWidth = 13;

/** The text, with a line feed at its end. */
export function printInspection(inspection: Inspection, notes: readonly string[]): string {
  const { request, dialect, signatures } = inspection;
  const { method, path, query, body_bytes } = request;
  const lines = [
    field('Request', `${method} ${path}${query}, body of ${body_bytes} bytes`),
    field('Dialect', dialect ? `${dialectNames[dialect.version]}: ${dialect.because}` : 'unknown'),
    ...notes.map((note) => field('', note)),
    ...digestLines(inspection.digest),
    ...signatures.flatMap(signatureLines),
    '',
    ...verdictLines(inspection),
  ];
  return `${lines.join('\n')}\n`;
}

function field(label: string, text: string): string {
  return `${label.padEnd(labelWidth)}${printableLine(text)}`.trimEnd();
}

function digestLines(digest: Inspection['digest']): readonly string[] {
  if (digest === null) return [];
  const { header, sent, due, compared } = digest;
  if (sent === null) return [field('Digest', `no header ${header}; due is ${header}: ${due}`)];
  if (compared.length === 0) return [field('Digest', `${header} cannot be read; due is ${due}`)];
  return compared.flatMap(({ algorithm, sent: given, computed, matches }) => {
    if (matches) return [field('Digest', `${header}, ${algorithm}: that of the body`)];
    return [
      field('Digest', `${header}, ${algorithm}: not that of the body`),
      field('', `sent     ${given}`),
      field('', `computed ${computed}`),
    ];
  });
}

function signatureLines(signature: InspectedSignature): readonly string[] {
  const { label, keyid, key_found, covered, missing, base, base_sha256, verifies } = signature;
  const isFound = key_found === null ? '' : key_found ? ', found' : ', not found';
  return [
    '',
    field('Signature', `${label}, key ${keyid ?? 'not named'}${isFound}`),
    ...timeLines(signature),
    ...covered.map(({ component, value }, at) => {
      const shown = value ?? '(the message does not have it)';
      return field(at === 0 ? 'Covered' : '', `${component}: ${shown}`);
    }),
    ...(missing.length === 0 ? [] : [field('Missing', missing.join(', '))]),
    ...(base === null ? [] : [field('Base', `SHA-256 ${base_sha256}, to be signed as:`)]),
    ...(base === null ? [] : base.split('\n').map((line) => `  | ${printableLine(line)}`)),
    ...(verifies === null ? [] : [field('Verifies', verifiesText(verifies))]),
    ...signature.quirks.flatMap(({ detail, remedy }) => [
      field('Because', detail),
      field('', remedy),
    ]),
  ];
}

function timeLines({ created, age_s, expires }: InspectedSignature): readonly string[] {
  if (created === null || age_s === null) return [];
  const at = instantText(created);
  const age = age_s < 0 ? `${-age_s} s ahead` : `${age_s} s ago`;
  const life = expires === null ? 'no expires' : `expires ${expires - created} s after that`;
  return [field('Created', `${created}${at}, ${age}; ${life}`)];
}

function instantText(seconds: number): string {
  const at = new Date(seconds * 1_000);
  return Number.isNaN(at.getTime()) ? '' : ` (${at.toISOString()})`;
}

function verifiesText(holds: boolean): string {
  return holds
    ? 'the signature is the key’s over this base'
    : 'the signature is not the key’s over this base';
}

function verdictLines({ verdict, first_fault, signatures }: Inspection): readonly string[] {
  if (first_fault === null) {
    return verdict === 'accepted'
      ? ['✓ This signature is accepted, once.']
      : ['✓ Nothing is wrong so far; with the public key the rest can be judged.'];
  }
  const others = signatures.flatMap(({ label, faults }) => {
    return faults
      .filter((fault) => fault.code !== first_fault.code)
      .map((fault) => `  Then (${label}): ${fault.detail} ${fault.remedy}`);
  });
  return [`✗ ${first_fault.detail}`, `  ${first_fault.remedy}`, ...others].map(printableLine);
}
