// The ISIN, the name by which everything here knows an instrument: its form and its check digit.
//
// Whether an instrument of that number exists, and whether it trades, is said by the imported
// book, not here.

declare const isinBrand: unique symbol;

/** Twelve characters whose form and check digit `parseIsin` or `isIsin` has verified. */
export type Isin = string & { readonly [isinBrand]: true };

const isinLength = 12;
const isinForm = /^[A-Z]{2}[A-Z0-9]{9}[0-9]$/;
const codeOf0 = 48;
const codeOf9 = 57;
const codeOfA = 65;

/**
 * Reads an ISIN.
 *
 * Nothing is trimmed or upper-cased: a number that was written wrongly is refused, not mended. The
 * two letters in front are not looked up, because the list of prefixes grows and some of them
 * (XS, EU) are no country. Throws a RangeError that says what is wrong. Source: ISO 6166.
 */
export function parseIsin(text: string): Isin {
  if (isIsin(text)) return text;
  throw new RangeError(`not an ISIN: ${faultOf(text)}`);
}

/** Says whether the text is an ISIN with the right check digit, exactly as `parseIsin` would. */
export function isIsin(text: string): text is Isin {
  return isinForm.test(text) && Number(text.slice(-1)) === luhnDigit(text.slice(0, -1));
}

/** Each letter counts as two digits, A = 10 to Z = 35; from the right, every other one doubles. */
function luhnDigit(body: string): number {
  let sum = 0;
  let doubles = true;
  for (let place = body.length - 1; place >= 0; place -= 1) {
    const value = characterValue(body.charCodeAt(place));
    sum += weigh(value % 10, doubles);
    doubles = !doubles;
    if (value >= 10) {
      sum += weigh(Math.floor(value / 10), doubles);
      doubles = !doubles;
    }
  }
  return (10 - (sum % 10)) % 10;
}

function characterValue(code: number): number {
  return code <= codeOf9 ? code - codeOf0 : code - codeOfA + 10;
}

function weigh(digit: number, doubles: boolean): number {
  const weighed = doubles ? digit * 2 : digit;
  return weighed > 9 ? weighed - 9 : weighed;
}

/** The refused text is shown only where its length is known, so a message never grows with it. */
function faultOf(text: string): string {
  if (text.length !== isinLength) {
    return `${text.length} characters where there must be ${isinLength}`;
  }
  const shown = JSON.stringify(text);
  if (!isinForm.test(text)) {
    return `${shown} is not two letters, nine letters or digits (A-Z, 0-9) and a digit`;
  }
  const right = luhnDigit(text.slice(0, -1));
  return `the check digit of ${shown} must be ${right}, not ${text.slice(-1)}`;
}
