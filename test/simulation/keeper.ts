// The keeper of the holdings in a simulated run: answers all that is asked, less, or nothing; too late, in another
// form, with more than was asked, or not at all. What it has granted and what it was told is compared with what
// the venue has sold.
import Big from 'big.js';
import { answer, Ledger, type Limit } from '../../examples/keeper/keeper.ts';
import type { TenantId } from '../../src/ids.ts';
import type { Lot } from '../crash/random.ts';
import type { Network, Post, ReceiverAnswer } from './network.ts';

/** No receiver has this host. */
const host = '127.9.9.9';
export const keeperUrl = `http://${host}`;

const chances = { limited: 0.25, nothing: 0.3, late: 0.1, garbled: 0.1, away: 0.05 };
/** Longer than a lease of those who ask. */
const lateMsMax = 20_000;
const moreThanAsked = '1000000';

export class Keeper {
  readonly #network: Network;
  readonly #ledger: Ledger;
  readonly #jwksOf: (tenantId: TenantId) => Promise<readonly string[]>;

  constructor(network: Network, jwksOf: (tenantId: TenantId) => Promise<readonly string[]>) {
    this.#network = network;
    this.#jwksOf = jwksOf;
    this.#ledger = new Ledger(limitsOf(network.lot));
  }

  keeps({ url }: Post): boolean {
    return url.hostname === host;
  }

  /** @throws where a request is not signed as it has to be. */
  async receive({ url, headers, body }: Post): Promise<ReceiverAnswer> {
    const { lot, troubles, scheduler } = this.#network;
    const keysOf = async (clientId: string) => {
      const texts = await this.#jwksOf(clientId as TenantId);
      return { keys: texts.map((text) => JSON.parse(text)) };
    };
    const rawHeaders = Object.entries(headers).flat();
    const asked = { method: 'POST', url: url.pathname, rawHeaders, body };
    const now = () => scheduler.clock.now();
    let takeReport = () => {};
    const ledger: Pick<Ledger, 'ask' | 'take'> = {
      ask: (question) => this.#ledger.ask(question),
      take: (id, report) => {
        takeReport = () => void this.#ledger.take(id, report);
        return { status: 204, body: '' };
      },
    };
    const answered = await answer(ledger, { keysOf, now }, asked);
    if (troubles.isOver) {
      takeReport();
      return answered;
    }
    const isLate = lot.next() < chances.late;
    const afterMs = isLate ? lot.between(0, lateMsMax) : 0;
    // Away it takes no report; what it is asked it has granted all the same.
    if (lot.next() < chances.away) return { status: 503, headers: { 'retry-after': '2' }, afterMs };
    takeReport();
    if (answered.status !== 200 || lot.next() >= chances.garbled) return { ...answered, afterMs };
    return { status: 200, body: garbled(answered.body, lot), afterMs };
  }

  /**
   * @param sold units by account and ISIN, as the venue has it.
   * @param excused where more may have been sold.
   */
  faultsOf(sold: ReadonlyMap<string, Big>, excused: ReadonlySet<string>): readonly string[] {
    return faultsOfLedger(this.#ledger, sold, excused);
  }
}

/** Where what a keeper has granted and was told differs from what was sold, by account and ISIN. */
export function faultsOfLedger(
  { entries }: Ledger,
  sold: ReadonlyMap<string, Big>,
  excused: ReadonlySet<string> = new Set(),
): readonly string[] {
  const faults: string[] = [];
  const granted = new Map<string, Big>();
  const told = new Map<string, Big>();
  for (const [id, { accountId, report, granted: given }] of entries) {
    if (accountId !== '' && report === undefined) faults.push(`${id} was never reported`);
    for (const [isin, units] of given) add(granted, `${accountId}/${isin}`, units);
    for (const one of report?.positions ?? []) {
      add(told, `${accountId}/${one.isin}`, new Big(one.sold));
      const units = given.get(one.isin) ?? new Big(0);
      const isMore = units.lt(one.sold) && !excused.has(`${accountId}/${one.isin}`);
      if (isMore) faults.push(`${id} ${one.isin}: ${one.sold} sold of ${units}`);
    }
  }
  for (const [key, units] of sold) {
    const isMore = units.gt(granted.get(key) ?? 0) && !excused.has(key);
    if (isMore) faults.push(`${key}: more was sold than was granted`);
  }
  for (const key of new Set([...sold.keys(), ...told.keys()])) {
    const [of, as] = [sold.get(key) ?? new Big(0), told.get(key) ?? new Big(0)];
    if (!of.eq(as)) faults.push(`${key}: ${of} were sold, the keeper was told ${as}`);
  }
  return faults.map((fault) => `the keeper: ${fault}`);
}

function add(sums: Map<string, Big>, key: string, units: Big): void {
  sums.set(key, units.plus(sums.get(key) ?? 0));
}

/** Some holdings may be sold in part, or not at all; drawn when they are asked for first. */
function limitsOf(lot: Lot): Limit {
  const known = new Map<string, ReturnType<Limit>>();
  return (accountId, isin) => {
    const key = `${accountId}/${isin}`;
    if (!known.has(key)) {
      const isLimited = lot.next() < chances.limited;
      const units = lot.next() < chances.nothing ? '0' : String(lot.between(1, 20));
      known.set(key, isLimited ? { units, reason: 'it is pledged' } : undefined);
    }
    return known.get(key);
  };
}

/** An answer that is none, though all of it was granted. */
function garbled(text: string, lot: Lot): string {
  const body = JSON.parse(text) as { positions: { isin: string; quantity: string }[] };
  switch (lot.between(1, 4)) {
    case 1:
      return text.slice(0, lot.between(0, text.length - 1));
    case 2:
      return JSON.stringify({ ...body, positions: body.positions.slice(1) });
    case 3:
      return JSON.stringify({ ...body, reservation_id: 'another' });
    default: {
      const positions = body.positions.map(({ isin }) => ({ isin, quantity: moreThanAsked }));
      return JSON.stringify({ ...body, positions });
    }
  }
}
