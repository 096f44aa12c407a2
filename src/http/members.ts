// What the members of requests and answers are made of: what each is, then in what form it comes.

import {
  type TNumberOptions,
  type TObjectOptions,
  type TProperties,
  type TSchema,
  type TSchemaOptions,
  type TStringOptions,
  Type,
} from 'typebox';

/** What is answered, by the title that the document gives it. */
export const shape = <Members extends TProperties>(
  title: string,
  members: Members,
  more: TObjectOptions = {},
) => Type.Object(members, { title, ...more });

/** What may be asked: these members and no others. */
export const only = <Members extends TProperties>(members: Members, more: TObjectOptions = {}) =>
  Type.Object(members, { additionalProperties: false, ...more });

/** An object within another. */
export const part = <Members extends TProperties>(description: string, members: Members) =>
  Type.Object(members, { description });

export const list = <Item extends TSchema>(description: string, item: Item) =>
  Type.Array(item, { description });

export const text = (description: string, form: TStringOptions = {}) =>
  Type.String({ ...form, description });

export const whole = (description: string, bounds: TNumberOptions) =>
  Type.Integer({ ...bounds, description });

export const flag = (description: string, options: TSchemaOptions = {}) =>
  Type.Boolean({ ...options, description });

/** One of these words. */
export const some = <const Name extends string>(
  names: readonly Name[],
  description: string,
  options: TSchemaOptions = {},
) => Type.Enum([...names], { type: 'string', ...options, description });

export const uuid = (description: string) => text(description, { format: 'uuid' });

export const instant = (description: string) => text(description, { format: 'date-time' });

/** As clients may send it. */
export const moment = (description: string, example = '2022-10-14T00:00:00Z') =>
  text(`${description} An RFC 3339 date-time, or a date, which means its first instant in UTC.`, {
    maxLength: 40,
    examples: [example],
  });

export const count = (description: string) => whole(description, { minimum: 0 });

/** A decimal that is not negative, as the contract writes amounts. */
export const decimal = (description: string) =>
  text(description, { pattern: '^[0-9]{0,63}(\\.[0-9]{1,27})?$' });

/** EUR with two decimals. */
export const amount = (description: string) =>
  text(description, { pattern: '^[0-9]+\\.[0-9]{2}$' });

export const orNull = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);

/** How many items a page may have. */
export const pageLimit = { minimum: 1, maximum: 1_000, default: 100 } as const;
