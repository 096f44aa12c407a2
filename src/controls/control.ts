// Pre-trade controls: what an order has to keep before it is sent, and what it does not keep. Pure: limits and
// what is known of an order go in, findings come out. Regulation (EU) 2017/589 (RTS 6), article 15.

import type { Id } from '../ids.ts';
import {
  accountCurrency,
  type Decimal,
  decimal,
  plain,
  roundedUp,
  smaller,
  sum,
} from '../money.ts';

/** Those that stop an order until it keeps them or a person releases it. */
export const controlNames = [
  'order_quantity',
  'order_value',
  'day_value',
  'price_age',
  'price_collar',
] as const;

export type ControlName = (typeof controlNames)[number];

export type ControlsId = Id<'controls'>;
export type StopId = Id<'stop'>;

/** What is undefined is not limited. What is equal to a limit keeps it. */
export interface Limits {
  /** Units of an order. */
  readonly orderQuantityMax: Decimal | undefined;
  /** Quantity times last price, in EUR. */
  readonly orderValueMax: Decimal | undefined;
  /** Of all that a tenant has at venues or has sold since midnight UTC, in EUR. */
  readonly dayValueMax: Decimal | undefined;
  readonly priceAgeMaxS: number | undefined;
  /** How far the last execution of the instrument may be from its last price, in % of that. */
  readonly priceCollarPercent: Decimal | undefined;
  readonly rejections: RejectionLimit | undefined;
  /** What a halt may hold, in EUR, for one person to lift it. */
  readonly fourEyesMax: Decimal | undefined;
}

/** So many rejections of a venue within so long halt it for the tenant. */
export interface RejectionLimit {
  readonly max: number;
  readonly windowS: number;
}

/** What an order is checked by. Limits of rejections and of lifts hold one beside the other. */
export type OrderLimits = Omit<Limits, 'rejections' | 'fourEyesMax'>;

export const noLimits: Limits = {
  orderQuantityMax: undefined,
  orderValueMax: undefined,
  dayValueMax: undefined,
  priceAgeMaxS: undefined,
  priceCollarPercent: undefined,
  rejections: undefined,
  fourEyesMax: undefined,
};

/** What holds where two hold: the smaller of each. */
export function strictest(a: OrderLimits, b: OrderLimits): OrderLimits {
  return {
    orderQuantityMax: lower(a.orderQuantityMax, b.orderQuantityMax),
    orderValueMax: lower(a.orderValueMax, b.orderValueMax),
    dayValueMax: lower(a.dayValueMax, b.dayValueMax),
    priceAgeMaxS: least(a.priceAgeMaxS, b.priceAgeMaxS),
    priceCollarPercent: lower(a.priceCollarPercent, b.priceCollarPercent),
  };
}

function lower(a: Decimal | undefined, b: Decimal | undefined): Decimal | undefined {
  return a === undefined || b === undefined ? (a ?? b) : smaller(a, b);
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** What is known of an order that is about to be sent. */
export interface OrderFacts {
  readonly quantity: Decimal;
  /** The last price of its instrument, in EUR; undefined: none is known. */
  readonly price: LastPrice | undefined;
  /** What the instrument was sold for last, in EUR; undefined: not lately. */
  readonly executedPrice: Decimal | undefined;
}

export interface LastPrice {
  readonly price: Decimal;
  readonly at: Date;
}

/** A control that an order does not keep. */
export interface Finding {
  readonly control: ControlName;
  /** The figure and the limit, for a person. */
  readonly detail: string;
}

/** The value of an order; undefined where no price is known. */
function orderValueOf({ quantity, price }: OrderFacts): Decimal | undefined {
  return price?.price.times(quantity);
}

/** What an order does not keep, but for the value of the day, which it shares with others. */
export function findingsOf(facts: OrderFacts, limits: OrderLimits, now: Date): readonly Finding[] {
  const { quantity, price, executedPrice } = facts;
  const { orderQuantityMax, orderValueMax, priceAgeMaxS, priceCollarPercent } = limits;
  const findings: Finding[] = [];
  const add = (control: ControlName, detail: string) => findings.push({ control, detail });
  if (orderQuantityMax !== undefined && quantity.gt(orderQuantityMax)) {
    add('order_quantity', `${plain(quantity)} units, at most ${plain(orderQuantityMax)}`);
  }
  if (orderValueMax !== undefined) {
    const value = orderValueOf(facts);
    if (value === undefined) add('order_value', noPrice);
    else if (value.gt(orderValueMax)) {
      add('order_value', `${valueInEur(value)}, at most ${inEur(orderValueMax)}`);
    }
  }
  if (priceAgeMaxS !== undefined) {
    if (price === undefined) add('price_age', noPrice);
    else {
      const ageMs = now.getTime() - price.at.getTime();
      if (ageMs > priceAgeMaxS * 1_000) {
        add(
          'price_age',
          `the last price is ${Math.floor(ageMs / 1_000)} s old, at most ${priceAgeMaxS} s`,
        );
      }
    }
  }
  if (priceCollarPercent !== undefined && executedPrice !== undefined) {
    if (price === undefined) add('price_collar', noPrice);
    else if (isOutside(price.price, executedPrice, priceCollarPercent)) {
      const collar = `more than ${plain(priceCollarPercent)} % away`;
      add(
        'price_collar',
        `the last price is ${inEur(price.price)}, sold last for ${inEur(executedPrice)}, ${collar}`,
      );
    }
  }
  return findings;
}

const noPrice = 'no price is known';

function inEur(amount: Decimal): string {
  return `${accountCurrency} ${plain(amount)}`;
}

/** A quantity times a price has as many digits as both. */
function valueInEur(value: Decimal): string {
  return `${accountCurrency} ${roundedUp(value)}`;
}

const hundred = decimal('100');

/** Without a division, so that nothing is rounded. */
function isOutside(price: Decimal, executed: Decimal, percent: Decimal): boolean {
  return executed.minus(price).abs().times(hundred).gt(price.times(percent));
}

/** The value of a day, which orders are counted into one after the other. */
export class DayValue {
  readonly #max: Decimal;
  #total: Decimal;

  /** @param total what was counted before, in EUR. */
  constructor(max: Decimal, total: Decimal) {
    this.#max = max;
    this.#total = total;
  }

  /** What stands against an order; it is not counted yet. */
  findingOf(facts: OrderFacts): Finding | undefined {
    const value = orderValueOf(facts);
    if (value === undefined) return { control: 'day_value', detail: noPrice };
    const next = sum([this.#total, value]);
    if (!next.gt(this.#max)) return undefined;
    const detail = `${valueInEur(next)} today with this order, at most ${inEur(this.#max)}`;
    return { control: 'day_value', detail };
  }

  add(facts: OrderFacts): void {
    this.#total = this.#total.plus(orderValueOf(facts) ?? '0');
  }
}

/** What is judged of an order. */
export interface Judged<T> {
  readonly order: T;
  /** Those that stop it; none: it may be sent, and counts for the value of the day. */
  readonly stops: readonly Finding[];
  /** By which it counts, where that is limited. */
  readonly dayPrice: Decimal | undefined;
}

/** What stops orders that are sent one after the other: the one decision of the claim, of a retry and of a preview. */
export function judgeOrders<T>(
  orders: readonly T[],
  by: {
    readonly factsOf: (order: T) => OrderFacts;
    readonly limits: OrderLimits;
    /** Undefined: it is not limited, or the orders are part of it already. */
    readonly day: DayValue | undefined;
    /** Whether a person has released an order from a control. */
    readonly isReleased: (order: T, control: ControlName) => boolean;
    readonly now: Date;
  },
): readonly Judged<T>[] {
  const { factsOf, limits, day, isReleased, now } = by;
  return orders.map((order) => {
    const facts = factsOf(order);
    const ofDay = day?.findingOf(facts);
    const findings = [...findingsOf(facts, limits, now), ...(ofDay ? [ofDay] : [])];
    const stops = findings.filter(({ control }) => !isReleased(order, control));
    if (stops.length === 0) day?.add(facts);
    return { order, stops, dayPrice: day && facts.price?.price };
  });
}
