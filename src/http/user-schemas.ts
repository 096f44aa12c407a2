// The shapes of requests that make users, accounts and instruments in a sandbox: the published members,
// with their published limits.

import { type Static, Type } from 'typebox';
import { accountTypes } from '../book/user.ts';
import { strict } from './schemas.ts';

const country = (description: string) => {
  return Type.String({ pattern: '^[A-Z]{2}$', description: `${description} ISO 3166-1 alpha-2.` });
};
const name = (description: string, minLength = 0) => {
  return Type.String({ minLength, maxLength: 100, description });
};
const word = (values: readonly string[], description: string) => {
  return Type.Enum(values, { type: 'string', description });
};
const instant = (description: string) => Type.String({ format: 'date-time', description });
const city = (description: string) => Type.String({ minLength: 1, maxLength: 85, description });

const address = (description: string) => {
  return Type.Object(
    {
      address_line1: name('Street and number.'),
      address_line2: Type.Optional(name('What the first line has no room for.')),
      postcode: Type.String({ pattern: '^[a-zA-Z0-9 -]{1,10}$', description: 'Postal code.' }),
      city: city('Town.'),
      state: Type.Optional(Type.String({ maxLength: 50, description: 'State or province.' })),
      country: country('Country.'),
    },
    { ...strict, description },
  );
};

const consent = (description: string) => {
  return Type.Object(
    {
      consent_document_id: Type.String({ format: 'uuid', description: 'The document.' }),
      confirmed_at: instant('When the user confirmed it.'),
    },
    { ...strict, description },
  );
};

/** What a client says of a user; the published kinds of clients need different members of it. */
export const userMembers = {
  first_name: name('First name.', 2),
  last_name: name('Last name.', 2),
  salutation: Type.Optional(
    word(
      [
        '',
        'SALUTATION_MALE',
        'SALUTATION_FEMALE',
        'SALUTATION_FEMALE_MARRIED',
        'SALUTATION_DIVERSE',
      ],
      'How the user is addressed.',
    ),
  ),
  title: Type.Optional(
    word(['', 'DR', 'PROF', 'PROF_DR', 'DIPL_ING', 'MAGISTER'], 'Academic title.'),
  ),
  birth_date: Type.String({ format: 'date', description: 'Date of birth, YYYY-MM-DD.' }),
  birth_city: Type.Optional(city('Town of birth.')),
  birth_country: Type.Optional(country('Country of birth.')),
  birth_name: Type.Optional(name('Name at birth.')),
  nationalities: Type.Array(country('A nationality.'), {
    minItems: 1,
    maxItems: 20,
    description: 'Nationalities.',
  }),
  address: address('Where the user lives.'),
  postal_address: Type.Optional(
    Type.Union([address('Where post goes; default `address`.'), Type.Null()]),
  ),
  email: Type.Optional(Type.String({ format: 'email', maxLength: 100, description: 'Email.' })),
  phone_number: Type.Optional(
    Type.String({
      pattern: '^([0-9]{8,15})?$',
      description: 'Phone number (E.164), digits alone.',
    }),
  ),
  fatca: Type.Optional(
    Type.Object(
      {
        status: Type.Boolean({ description: 'Whether the user pays taxes in the US.' }),
        confirmed_at: instant('When the user confirmed it.'),
      },
      { ...strict, description: 'Status under FATCA.' },
    ),
  ),
  terms_and_conditions: Type.Optional(consent('Consent to terms and conditions.')),
  data_privacy_and_sharing_agreement: Type.Optional(consent('Consent to sharing of data.')),
};

export const createUserBody = Type.Object(userMembers, strict);

export type CreateUserBody = Static<typeof createUserBody>;

export const createAccountBody = Type.Object(
  {
    user_id: Type.String({ format: 'uuid', description: 'The owner.' }),
    account_group_id: Type.Optional(
      Type.String({
        format: 'uuid',
        description: 'The only group of a user is that of its accounts: the id of the user.',
      }),
    ),
    type: word(accountTypes, 'The kind of account; each is liquidated in the same way.'),
    name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: 'Default Account.' }),
    ),
  },
  strict,
);

/** Instruments of one request. */
const instrumentsMax = 100;

export const putInstrumentsBody = Type.Object(
  {
    instruments: Type.Array(
      Type.Object(
        {
          isin: Type.String({ maxLength: 12, description: 'ISO 6166, with a right check digit.' }),
          name: Type.Optional(
            Type.String({ minLength: 1, maxLength: 200, description: 'Default the ISIN.' }),
          ),
          fractional_trading: Type.Optional(
            Type.Boolean({ default: true, description: 'False: only whole units are sold.' }),
          ),
          trading_status: Type.Optional(
            Type.Enum(['ACTIVE', 'INACTIVE'], {
              type: 'string',
              default: 'ACTIVE',
              description: 'While INACTIVE it is not sold; liquidations wait for it.',
            }),
          ),
          price: Type.Optional(
            Type.String({
              maxLength: 60,
              description: 'EUR a unit, a decimal; without one the price stays as it is.',
            }),
          ),
        },
        strict,
      ),
      { minItems: 1, maxItems: instrumentsMax },
    ),
  },
  strict,
);
