// The sections of the page on signature dialects, and what proves each.

import type { Point } from './decisions.ts';

const tables = 'test/signatures/tables.test.ts';
const vectors = 'test/signatures/vectors.test.ts';
const rules = 'test/signatures/rules.test.ts';
const forms = 'test/signatures/forms.test.ts';
const keys = 'test/signatures/keys.test.ts';
const drafts = 'test/signatures/drafts.test.ts';
const sign = 'test/signatures/sign.test.ts';

export const dialectSections: Readonly<Record<number, Point>> = {
  1: { about: 'which dialect is it', promises: { 'by form': [[tables, '…: …']] } },
  2: {
    about: 'the same in every dialect',
    promises: {
      'each rule with its reason': [[vectors, '…: …']],
      'several signatures in a request': [
        [rules, 'those of unknown, foreign and revoked keys', 'what is wrong with the first'],
      ],
      'headers that come once': [[rules, '… twice']],
    },
  },
  3: { about: 'the two headers', promises: { 'of -01': [[rules, 'in -01, …']] } },
  4: {
    about: 'components and their values',
    promises: { tables: [[tables, '… of …']] },
  },
  5: { about: 'the base', promises: { vectors: [[vectors, '…: …']] } },
  6: {
    about: 'algorithms, keys, encodings',
    promises: {
      keys: [[keys, '…, as PEM and as JWK']],
      'strict DER': [[forms, 'long form where it is due']],
    },
  },
  7: {
    about: 'digest of the body',
    promises: { forms: [[rules, 'anything but a byte sequence', 'one of no body']] },
  },
  8: { about: 'differences to trip over', promises: { vectors: [[vectors, '…: …']] } },
  9: {
    about: "faults in the drafts' own vectors",
    promises: { 'the rest verifies': [[drafts, '…: …']] },
  },
  10: {
    about: 'features of RFC 9421',
    promises: { covered: [[rules, '@target-uri covers path and query']] },
  },
  11: {
    about: 'signing webhooks',
    promises: { deliveries: [[sign, '… is what we sign', '… verifies']] },
  },
};
