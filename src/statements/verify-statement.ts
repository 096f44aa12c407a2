// Verifies a statement without the service: its signatures by a key that the reader trusts, that it is whole, and
// that its sums add up. Says of each thing that is wrong what it is.

import { flattenedVerify, type JWK } from 'jose';
import { Compile } from 'typebox/compile';
import { type Decimal, decimal, plain, proceedsOf, sum, zero } from '../money.ts';
import {
  type SignedStatement,
  type StatedExecution,
  type Statement,
  type StatementHead,
  statementSchema,
  thumbprintOf,
} from './statement.ts';

export type FaultKind =
  | 'cut_off'
  | 'no_statement'
  | 'altered'
  | 'wrong_key'
  | 'untrusted'
  | 'part_missing'
  | 'mixed'
  | 'sums';

export interface Fault {
  readonly kind: FaultKind;
  /** A sentence. */
  readonly says: string;
}

export interface Verdict {
  readonly faults: readonly Fault[];
  /** Of the first part that could be read. */
  readonly head: StatementHead | undefined;
  /** Thumbprints of the keys that the parts name. */
  readonly signedBy: readonly string[];
}

/** Which keys are trusted; none: nothing is, but all else is looked at. */
export interface Trust {
  readonly keys: readonly JWK[];
  readonly thumbprints: readonly string[];
}

const isStatement = Compile(statementSchema);

/** What a part has, as flattened JSON. */
const memberNames = ['payload', 'protected', 'signature'] as const;

/** Faults that are reported; a broken file may have one in each line. */
const faultsMax = 50;

/** Reads the parts one after the other, and judges them at the end. */
export class StatementVerifier {
  readonly #trust: Trust;
  readonly #faults: Fault[] = [];
  readonly #signedBy = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #sold = new Map<string, { quantity: Decimal; proceeds: Decimal }>();
  #first: Statement | undefined;
  #instruments: Statement['instruments'];
  #parts = 0;
  #void = 0;

  constructor(trust: Trust) {
    this.#trust = trust;
  }

  /** @param line a part: a JWS in flattened JSON. */
  async add(line: string): Promise<void> {
    this.#parts += 1;
    const signed = this.#parse(line);
    if (signed === undefined) return;
    const statement = await this.#read(signed);
    if (statement === undefined) return;
    if (!(await this.#checkSignature(signed))) return;
    this.#checkPart(statement);
    for (const execution of statement.executions) this.#count(execution);
  }

  async end(): Promise<Verdict> {
    const first = this.#first;
    if (this.#parts === 0) this.#fault('cut_off', 'The file is empty.');
    if (first !== undefined) {
      if (this.#parts < first.parts) {
        this.#fault('part_missing', `Of ${first.parts} parts there are ${this.#parts}.`);
      }
      if (this.#faults.every(({ kind }) => kind === 'wrong_key' || kind === 'untrusted')) {
        this.#checkSums(first);
      }
    }
    return { faults: this.#faults, head: first, signedBy: [...this.#signedBy] };
  }

  #fault(kind: FaultKind, says: string): undefined {
    if (this.#faults.length < faultsMax) this.#faults.push({ kind, says });
  }

  #parse(line: string): SignedStatement | undefined {
    const where = `Part ${this.#parts}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      const isCut = line.trimStart().startsWith('{') && !line.trimEnd().endsWith('}');
      if (isCut) return this.#fault('cut_off', `${where} is cut off: its end is missing.`);
      const isDamaged = memberNames.some((name) => line.includes(`"${name}"`));
      if (isDamaged) return this.#fault('altered', `${where} was altered: it is no JSON any more.`);
      return this.#fault('no_statement', `${where} is no JSON.`);
    }
    const { payload, protected: header, signature } = Object(value) as Partial<SignedStatement>;
    if ([payload, header, signature].every((text) => typeof text === 'string')) {
      return value as SignedStatement;
    }
    const isDamaged = memberNames.some((name) => Object.hasOwn(Object(value), name));
    if (isDamaged) {
      return this.#fault(
        'altered',
        `${where} was altered: payload, protected or signature is gone.`,
      );
    }
    return this.#fault('no_statement', `${where} is no JWS with payload, protected and signature.`);
  }

  async #read(signed: SignedStatement): Promise<Statement | undefined> {
    const where = `Part ${this.#parts}`;
    try {
      const value = JSON.parse(Buffer.from(signed.payload, 'base64url').toString('utf8'));
      if (isStatement.Check(value)) return value;
      const named = namedKey(signed.protected);
      if (named === undefined || !(await isSignedBy(signed, named))) {
        const fault = 'what it says is no statement, nor what was signed.';
        return this.#fault('altered', `${where} was altered: ${fault}`);
      }
      return this.#fault('no_statement', `${where} is no statement of executions of version 1.`);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return this.#fault('altered', `${where} was altered: its payload is no JSON.`);
    }
  }

  /** @returns whether what it says is what was signed, by whatever key. */
  async #checkSignature(signed: SignedStatement): Promise<boolean> {
    const where = `Part ${this.#parts}`;
    const named = namedKey(signed.protected);
    if (named === undefined) {
      this.#fault('altered', `${where} was altered: its header names no Ed25519 key.`);
      return false;
    }
    const thumbprint = await thumbprintOf(named);
    this.#signedBy.add(thumbprint);
    if (!(await isSignedBy(signed, named))) {
      this.#fault('altered', `${where} was altered: its signature does not fit what it says.`);
      return false;
    }
    const { keys, thumbprints } = this.#trust;
    const trusted = new Set([...thumbprints, ...(await Promise.all(keys.map(thumbprintOf)))]);
    if (trusted.size === 0) {
      this.#fault(
        'untrusted',
        `${where} is signed by ${thumbprint}, and no key is named that is trusted.`,
      );
    } else if (!trusted.has(thumbprint)) {
      this.#fault(
        'wrong_key',
        `${where} is signed by another key: its thumbprint is ${thumbprint}.`,
      );
    }
    return true;
  }

  #checkPart(statement: Statement): void {
    this.#first ??= statement;
    const headOf = ({ type, client_id, liquidation, totals, parts }: Statement) => {
      return JSON.stringify({ type, client_id, liquidation, totals, parts });
    };
    if (headOf(statement) !== headOf(this.#first)) {
      this.#fault('mixed', `Part ${this.#parts} is of another statement than the first.`);
    }
    if (statement.part !== this.#parts) {
      const place = `Where part ${this.#parts} should be there is part ${statement.part}.`;
      this.#fault('part_missing', place);
    }
    this.#instruments ??= statement.instruments;
  }

  #count(execution: StatedExecution): void {
    const { id, isin, proceeds, void_at: voidAt } = execution;
    if (this.#seen.has(id)) this.#fault('sums', `Execution ${id} is there twice.`);
    this.#seen.add(id);
    const quantity = decimal(execution.quantity);
    const { price, rate } = execution;
    const exact = proceedsOf({
      quantity,
      price: decimal(price),
      ...(rate === undefined ? {} : { rate: decimal(rate) }),
    });
    if (!exact.eq(decimal(proceeds))) {
      this.#fault('sums', `Execution ${id} earned ${proceeds}, but it is ${exact.toFixed(2)}.`);
    }
    if (voidAt !== undefined) {
      this.#void += 1;
      return;
    }
    const sold = this.#sold.get(isin) ?? { quantity: zero, proceeds: zero };
    this.#sold.set(isin, {
      quantity: sold.quantity.plus(quantity),
      proceeds: sold.proceeds.plus(decimal(proceeds)),
    });
  }

  #checkSums({ totals }: Statement): void {
    const proceeds = sum([...this.#sold.values()].map((one) => one.proceeds)).toFixed(2);
    const pairs: readonly [string, string | number, string | number][] = [
      ['executions', totals.executions, this.#seen.size],
      ['void executions', totals.void, this.#void],
      ['proceeds', totals.proceeds, proceeds],
    ];
    for (const [what, said, found] of pairs) {
      if (said === found) continue;
      this.#fault(
        'sums',
        `The total of ${what} is ${said}, but what is listed adds up to ${found}.`,
      );
    }
    const said = (this.#instruments ?? []).map((one) => {
      return `${one.isin} ${one.quantity} ${one.proceeds}`;
    });
    const found = [...this.#sold]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([isin, one]) => {
        return `${isin} ${plain(one.quantity)} ${one.proceeds.toFixed(2)}`;
      });
    for (const line of said) {
      if (found.includes(line)) continue;
      this.#fault('sums', `The sum of an instrument does not add up: ${line}.`);
    }
    if (said.length !== found.length) {
      const counts = `${said.length} instruments are summed up, ${found.length} were sold.`;
      this.#fault('sums', counts);
    }
  }
}

/** The public key in a protected header, where it is one of ours. */
function namedKey(header: string): JWK | undefined {
  try {
    const { alg, jwk } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    const { kty, crv, x } = Object(jwk);
    const isOurs = alg === 'EdDSA' && kty === 'OKP' && crv === 'Ed25519' && typeof x === 'string';
    return isOurs ? { kty, crv, x } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

async function isSignedBy(signed: SignedStatement, jwk: JWK): Promise<boolean> {
  try {
    const { payload, protected: header, signature } = signed;
    const jws = { payload, protected: header, signature };
    await flattenedVerify(jws, { ...jwk, alg: 'EdDSA' }, { algorithms: ['EdDSA'] });
    return true;
  } catch {
    return false; // whatever does not verify: no signature, not base64url, no point of the curve
  }
}
