// The first accounts of the example book, written by hand: two pleasant portfolios for
// demonstrations, then accounts of which each shows one behaviour of a liquidation.
//
// They stand first in `accounts.csv`, in this order. The README lists their ids.

/** One position: the quantity and how much of it is locked, both as decimal text in units. */
export interface HeldPosition {
  readonly isin: string;
  readonly quantity: string;
  readonly locked: string;
}

const hold = (isin: string, quantity: string, locked = '0'): HeldPosition => ({
  isin,
  quantity,
  locked,
});

const demoPortfolio = [
  hold('IE00B4L5Y983', '84.731925'),
  hold('IE00BK5BQT80', '31.5'),
  hold('DE0007164600', '12'),
  hold('IE00B5M1WJ87', '24.5'),
  hold('US0378331005', '14.2561'),
  hold('NL0010273215', '3'),
  hold('US5949181045', '6.13370012'),
  hold('DE0008404005', '8'),
  hold('LU0290358497', '20.005'),
  hold('NL0011821202', '75'),
];

const fivePositions = [
  hold('IE00B5BMR087', '4.5218'),
  hold('DE0007236101', '10'),
  hold('US67066G1040', '25.75'),
  hold('IE00BKM4GZ66', '120.40903'),
  hold('DE000BASF111', '30'),
];

const threePartialFills = [hold('IE00B5M1WJ87', '2.5'), hold('DE0005557508', '40')];

const partlyFilledThenCancelled = [hold('IE00BF2GFH28', '5'), hold('US1912161007', '16.8')];

const refusedPositions = [
  hold('ZZREFUSED006', '10'),
  hold('FR0000120321', '2.25'),
  hold('DE0007037129', '22'),
];

const fixedPrices = [
  hold('IE00BKBF6H24', '310.5'),
  hold('IE00B3XXRP09', '18.0425'),
  hold('DE0005933931', '9'),
];

const randomPrice = [hold('IE00B95PGT31', '64.128')];

const notTrading = [hold('DE0007472060', '120'), hold('CH0038863350', '15.5')];

const lockedPositions = [hold('DE0008404005', '5', '5'), hold('DE0005557508', '100.5', '40.25')];

const dust = [hold('DE0007164600', '0.000001')];

const fifteenDecimals = [hold('IE00BDBRDM35', '412.345678901234567')];

/** The hand-written portfolios in the order of their accounts. */
export const showcaseAccounts: readonly (readonly HeldPosition[])[] = [
  demoPortfolio,
  fivePositions,
  threePartialFills,
  partlyFilledThenCancelled,
  refusedPositions,
  fixedPrices,
  randomPrice,
  notTrading,
  lockedPositions,
  dust,
  fifteenDecimals,
];
