// A file of accounts for a batch, read in the page: which accounts it names, which lines name one again, and
// which name none. Nothing is sent before a person has seen it.

/** Accounts that one batch may name, as the service has it. */
export const accountsMax = 100_000;
/** Characters that are read: as many accounts with their users, and room for other columns. */
export const fileCharactersMax = 32_000_000;

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** @typedef {{ account_id: string, user_id?: string }} NamedAccount */
/** @typedef {{ line: number, text: string, why: string }} Bad */

/**
 * Reads lines of comma, semicolon or tab. A first line with `account_id` names the columns, of which `user_id` is
 * the other that counts; without it the first column is the account, and the second one, where there is one, its user.
 *
 * @param {string} text
 * @returns {{ accounts: NamedAccount[], again: number, bad: Bad[] }}
 */
export function readAccounts(text) {
  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  const first = lines.findIndex((line) => line.trim() !== '');
  const head = lines[first] ?? '';
  const separator = [';', '\t'].find((one) => head.includes(one)) ?? ',';
  const names = cellsOf(head, separator).map((name) => name.toLowerCase());
  const isNamed = names.includes('account_id');
  const account = isNamed ? names.indexOf('account_id') : 0;
  const user = isNamed ? names.indexOf('user_id') : 1;
  /** @type {Map<string, { line: number, user: string }>} */
  const known = new Map();
  /** @type {Bad[]} */
  const bad = [];
  let again = 0;
  for (const [i, line] of lines.entries()) {
    if (line.trim() === '' || (isNamed && i === first)) continue;
    const cells = cellsOf(line, separator);
    const one = { account: cells[account] ?? '', user: cells[user] ?? '' };
    const before = known.get(one.account.toLowerCase());
    const why = faultOf(one, before);
    if (why !== undefined) bad.push({ line: i + 1, text: line.slice(0, 80), why });
    else if (before !== undefined) again += 1;
    else known.set(one.account.toLowerCase(), { line: i + 1, user: one.user.toLowerCase() });
  }
  const accounts = [...known].map(([id, { user: owner }]) => {
    return owner === '' ? { account_id: id } : { account_id: id, user_id: owner };
  });
  return { accounts, again, bad };
}

/**
 * @param {{ account: string, user: string }} one
 * @param {{ line: number, user: string } | undefined} before
 */
function faultOf({ account, user }, before) {
  if (account === '') return 'It names no account.';
  if (!uuid.test(account.toLowerCase())) return 'The account is not a UUID.';
  if (user !== '' && !uuid.test(user.toLowerCase())) return 'The user is not a UUID.';
  if (before !== undefined && before.user !== user.toLowerCase())
    return `Line ${before.line} names the account with another user.`;
  return undefined;
}

/**
 * The cells of a line, without quotes around them; a quote within one is doubled (RFC 4180).
 *
 * @param {string} line
 * @param {string} separator
 */
function cellsOf(line, separator) {
  const parts =
    line.match(separator === '\t' ? tabs : separator === ';' ? semicolons : commas) ?? [];
  return parts.map((part) => {
    const cell = part.trim();
    return cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"').trim() : cell;
  });
}

const commas = /(?<=^|,)(?:\s*"(?:[^"]|"")*"\s*|[^,]*)(?=,|$)/g;
const semicolons = /(?<=^|;)(?:\s*"(?:[^"]|"")*"\s*|[^;]*)(?=;|$)/g;
const tabs = /(?<=^|\t)(?:\s*"(?:[^"]|"")*"\s*|[^\t]*)(?=\t|$)/g;

/** A few of them from the whole list, the first and the last among them. @param {NamedAccount[]} accounts */
export function sampleOf(accounts, count = 5) {
  if (accounts.length <= count) return accounts;
  const step = (accounts.length - 1) / (count - 1);
  return Array.from(
    { length: count },
    (_, i) => /** @type {NamedAccount} */ (accounts[Math.round(i * step)]),
  );
}
