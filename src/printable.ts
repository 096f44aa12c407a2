// Text of others on a terminal or in a log. The one place that makes it harmless: what a terminal would
// obey, hide or show in another order is shown as its code, as JSON writes it (RFC 8259 section 7), so
// that JSON stays the same JSON.

// Characters of category C (control, format, surrogate, private, unassigned) and separators of lines,
// but line feed and tab, and but the two joiners that names in several scripts need.
const harmful = /(?![\n\t\u200c\u200d])[\p{C}\p{Zl}\p{Zp}]/u;
const everyHarmful = new RegExp(harmful, 'gu');
const usual = /^[\n\t\x20-\x7e]*$/;

/** The text with harmful characters as `\uXXXX`; it keeps its lines. */
export function printable(text: string): string {
  return usual.test(text) ? text : text.replaceAll(everyHarmful, escapeOf);
}

/** The same for a value within a line, which cannot begin another line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll(/[\n\t]/g, escapeOf);
}

/** Whether a text is one line and is printed as it is. */
export function isPrintableLine(text: string): boolean {
  return printableLine(text) === text;
}

function escapeOf(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    return `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }).join('');
}
