// Text that a terminal would obey, hide or turn around, and whether anything of it is left.
import assert from 'node:assert/strict';

/** A title set by OSC (of 7 and of 8 bits), colour by CSI, turned and isolated text, a line's end. */
export const hostile =
  'owned\u001b]0;title\u0007\u009b31m\u009d0;title\u009c\u202egnp\u2066\u200f\u061c\u2028\u0008\u007f';

/** Everything of that kind, whoever wrote it. */
const harmful =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for them
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;

/** A text that was printed has to name what was hostile, and must not be hostile. */
export function assertHarmless(printed: string, what: string): void {
  assert.match(printed, /owned/, `${what} prints what it was given`);
  const found = harmful.exec(printed);
  assert.equal(
    found,
    null,
    `${what} prints ${JSON.stringify(found?.[0])} in ${JSON.stringify(printed)}`,
  );
}
