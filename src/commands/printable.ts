// Text of others on a terminal: what a terminal would obey, or show in another order, is shown as its code.

/** Control characters but tab and line feed, and those that turn the direction of writing around. */
export function printable(text: string): string {
  return text.replaceAll(
    /[^\P{Cc}\t\n]|[\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu,
    (c) => {
      return `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`;
    },
  );
}
