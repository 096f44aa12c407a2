// The shapes of requests that make users, accounts and instruments in a sandbox: the published members,
// with their published limits.

import { Type } from 'typebox';
import { accountTypes } from '../book/user.ts';
import { flag, instant, only, orNull, some, text, uuid } from './members.ts';

const country = (description: string) => {
  return text(`${description} ISO 3166-1 alpha-2.`, { pattern: '^[A-Z]{2}$' });
};
const name = (description: string, minLength = 0) => {
  return text(description, { minLength, maxLength: 100 });
};
const city = (description: string) => text(description, { minLength: 1, maxLength: 85 });

const address = (description: string) => {
  return only(
    {
      address_line1: name('Street and number.'),
      address_line2: Type.Optional(name('What the first line has no room for.')),
      postcode: text('Postal code.', { pattern: '^[a-zA-Z0-9 -]{1,10}$' }),
      city: city('Town.'),
      state: Type.Optional(text('State or province.', { maxLength: 50 })),
      country: country('Country.'),
    },
    { description },
  );
};

const consent = (description: string) => {
  return only(
    {
      consent_document_id: uuid('The document.'),
      confirmed_at: instant('When the user confirmed it.'),
    },
    { description },
  );
};

/** What a client says of a user; the published kinds of clients need different members of it. */
export const userMembers = {
  first_name: name('First name.', 2),
  last_name: name('Last name.', 2),
  salutation: Type.Optional(
    some(
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
    some(['', 'DR', 'PROF', 'PROF_DR', 'DIPL_ING', 'MAGISTER'], 'Academic title.'),
  ),
  birth_date: text('Date of birth, YYYY-MM-DD.', { format: 'date' }),
  birth_city: Type.Optional(city('Town of birth.')),
  birth_country: Type.Optional(country('Country of birth.')),
  birth_name: Type.Optional(name('Name at birth.')),
  nationalities: Type.Array(country('A nationality.'), {
    minItems: 1,
    maxItems: 20,
    description: 'Nationalities.',
  }),
  address: address('Where the user lives.'),
  postal_address: Type.Optional(orNull(address('Where post goes; default `address`.'))),
  email: Type.Optional(text('Email.', { format: 'email', maxLength: 100 })),
  phone_number: Type.Optional(
    text('Phone number (E.164), digits alone.', { pattern: '^([0-9]{8,15})?$' }),
  ),
  fatca: Type.Optional(
    only(
      {
        status: flag('Whether the user pays taxes in the US.'),
        confirmed_at: instant('When the user confirmed it.'),
      },
      { description: 'Status under FATCA.' },
    ),
  ),
  terms_and_conditions: Type.Optional(consent('Consent to terms and conditions.')),
  data_privacy_and_sharing_agreement: Type.Optional(consent('Consent to sharing of data.')),
};

export const createUserBody = only(userMembers);

export const createAccountBody = only({
  user_id: uuid('The owner.'),
  account_group_id: Type.Optional(
    uuid('The only group of a user is that of its accounts: the id of the user.'),
  ),
  type: some(accountTypes, 'The kind of account; each is liquidated in the same way.'),
  name: Type.Optional(text('Default Account.', { minLength: 1, maxLength: 100 })),
});

/** Instruments of one request. */
const instrumentsMax = 100;

export const putInstrumentsBody = only({
  instruments: Type.Array(
    only({
      isin: text('ISO 6166, with a right check digit.', { maxLength: 12 }),
      name: Type.Optional(text('Default the ISIN.', { minLength: 1, maxLength: 200 })),
      fractional_trading: Type.Optional(
        flag('False: only whole units are sold.', { default: true }),
      ),
      trading_status: Type.Optional(
        some(['ACTIVE', 'INACTIVE'], 'While INACTIVE it is not sold; liquidations wait for it.', {
          default: 'ACTIVE',
        }),
      ),
      price: Type.Optional(
        text('EUR a unit, a decimal; without one the price stays as it is.', { maxLength: 60 }),
      ),
    }),
    { minItems: 1, maxItems: instrumentsMax },
  ),
});
