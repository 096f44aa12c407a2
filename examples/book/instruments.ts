// The instruments of the example book with one price each: real shares and funds under their true
// ISINs, the instruments that choose a behaviour of the sandbox venue, and one that does not trade.
//
// The prices are in EUR per unit, plausible for the first trading day of 2026 and nothing more.
// Who holds what is said in `showcase.ts` and `make.ts`.

/** One line of `instruments.csv` together with its line of `prices.csv`. */
export interface ListedInstrument {
  readonly isin: string;
  readonly name: string;
  readonly tradingStatus: 'ACTIVE' | 'INACTIVE';
  readonly fractional: boolean;
  readonly price: string;
}

type Row = readonly [isin: string, name: string, price: string];

const sharesInFractions: readonly Row[] = [
  ['DE0007164600', 'SAP SE', '208.35'],
  ['DE0007236101', 'Siemens AG', '239.85'],
  ['DE0008404005', 'Allianz SE', '391.2'],
  ['DE0005557508', 'Deutsche Telekom AG', '27.72'],
  ['DE000BAY0017', 'Bayer AG', '37.085'],
  ['DE000A1EWWW0', 'adidas AG', '169.4'],
  ['DE0006231004', 'Infineon Technologies AG', '38.145'],
  ['DE0008430026', 'Münchener Rückversicherungs-Gesellschaft AG', '561.6'],
  ['DE0005552004', 'Deutsche Post AG', '46.93'],
  ['DE0005140008', 'Deutsche Bank AG', '33.205'],
  ['DE000ENER6Y0', 'Siemens Energy AG', '120.75'],
  ['NL0000235190', 'Airbus SE', '199.28'],
  ['NL0010273215', 'ASML Holding N.V.', '921.4'],
  ['NL0012969182', 'Adyen N.V.', '1376.2'],
  ['FR0000121014', 'LVMH Moët Hennessy Louis Vuitton SE', '644.7'],
  ['FR0000120321', "L'Oréal S.A.", '366.85'],
  ['FR0000120578', 'Sanofi S.A.', '82.71'],
  ['FR0000121972', 'Schneider Electric SE', '235.05'],
  ['FR0000120073', "L'Air Liquide S.A.", '160.42'],
  ['FR0000131104', 'BNP Paribas S.A.', '80.89'],
  ['FR0000052292', 'Hermès International S.C.A.', '2121'],
  ['ES0144580Y14', 'Iberdrola S.A.', '18.435'],
  ['ES0148396007', 'Industria de Diseño Textil S.A.', '56.34'],
  ['IT0005239360', 'UniCredit S.p.A.', '71.02'],
  ['CH0038863350', 'Nestlé S.A.', '84.27'],
  ['CH0012005267', 'Novartis AG', '117.63'],
  ['CH0012032048', 'Roche Holding AG (Genussschein)', '352.15'],
  ['DK0062498333', 'Novo Nordisk A/S B', '43.585'],
  ['GB00BP6MXD84', 'Shell plc', '31.525'],
  ['GB0009895292', 'AstraZeneca PLC', '158.2'],
  ['US0378331005', 'Apple Inc.', '231.8'],
  ['US5949181045', 'Microsoft Corporation', '411.95'],
  ['US0231351067', 'Amazon.com, Inc.', '196.62'],
  ['US02079K3059', 'Alphabet Inc. Class A', '266.45'],
  ['US67066G1040', 'NVIDIA Corporation', '158.94'],
  ['US88160R1014', 'Tesla, Inc.', '383.15'],
  ['US30303M1027', 'Meta Platforms, Inc. Class A', '562.3'],
  ['US46625H1005', 'JPMorgan Chase & Co.', '274.08'],
  ['US92826C8394', 'Visa Inc. Class A', '298.9'],
  ['US4781601046', 'Johnson & Johnson', '176.34'],
  ['US1912161007', 'The Coca-Cola Company', '59.47'],
  ['US0079031078', 'Advanced Micro Devices, Inc.', '182.4125'],
  ['US22160K1051', 'Costco Wholesale Corporation', '733.8'],
  ['US11135F1012', 'Broadcom Inc.', '295.15'],
];

const sharesInWholeUnits: readonly Row[] = [
  ['DE0007100000', 'Mercedes-Benz Group AG', '60.12'],
  ['DE0005190003', 'Bayerische Motoren Werke AG', '93.98'],
  ['DE0007664039', 'Volkswagen AG Vorzugsaktie', '104.85'],
  ['DE000BASF111', 'BASF SE', '44.49'],
  ['DE000ENAG999', 'E.ON SE', '16.105'],
  ['DE0007037129', 'RWE AG', '45.36'],
  ['DE0006599905', 'Merck KGaA', '122.9'],
  ['DE0007030009', 'Rheinmetall AG', '1562.5'],
  ['FR0000120271', 'TotalEnergies SE', '55.71'],
  ['FR0000120628', 'AXA S.A.', '40.87'],
  ['NL0011821202', 'ING Groep N.V.', '23.945'],
  ['ES0113900J37', 'Banco Santander S.A.', '10.088'],
  ['US0846707026', 'Berkshire Hathaway Inc. Class B', '427.6'],
  ['DE000A0S9GB0', 'Xetra-Gold', '118.44265'],
];

const fundInstruments: readonly Row[] = [
  ['IE00B4L5Y983', 'iShares Core MSCI World UCITS ETF USD (Acc)', '111.935'],
  ['IE00BK5BQT80', 'Vanguard FTSE All-World UCITS ETF (USD) Accumulating', '146.42'],
  ['IE00B3RBWM25', 'Vanguard FTSE All-World UCITS ETF (USD) Distributing', '143.96'],
  ['IE00B5BMR087', 'iShares Core S&P 500 UCITS ETF USD (Acc)', '626.114'],
  ['IE00BFMXXD54', 'Vanguard S&P 500 UCITS ETF (USD) Accumulating', '111.2068'],
  ['IE00BKM4GZ66', 'iShares Core MSCI EM IMI UCITS ETF USD (Acc)', '39.604125'],
  ['IE00BJ0KDQ92', 'Xtrackers MSCI World UCITS ETF 1C', '125.8245'],
  ['IE0032077012', 'Invesco EQQQ Nasdaq-100 UCITS ETF Dist', '524.3'],
  ['IE00B6R52259', 'iShares MSCI ACWI UCITS ETF USD (Acc)', '97.68'],
  ['DE0002635307', 'iShares STOXX Europe 600 UCITS ETF (DE)', '58.63'],
  ['IE00BF4RFH31', 'iShares MSCI World Small Cap UCITS ETF USD (Acc)', '7.5513'],
  ['IE00B945VV12', 'Vanguard FTSE Developed Europe UCITS ETF (EUR) Distributing', '46.7155'],
  ['IE00BDBRDM35', 'iShares Core Global Aggregate Bond UCITS ETF EUR Hedged (Acc)', '5.0486'],
  ['LU0290358497', 'Xtrackers II EUR Overnight Rate Swap UCITS ETF 1C', '147.6214'],
  ['IE00B3WJKG14', 'iShares S&P 500 Information Technology Sector UCITS ETF', '36.0925'],
];

/** Where the contract's public sandbox pays a fixed price for a sale, it is the price here. */
const behaviourSwitches: readonly Row[] = [
  ['IE00BKBF6H24', 'iShares Core MSCI World UCITS ETF EUR Hedged (Dist)', '7.51'],
  ['IE00B3XXRP09', 'Vanguard S&P 500 UCITS ETF (USD) Distributing', '113.03'],
  ['DE0005933931', 'iShares Core DAX UCITS ETF (DE)', '81.77'],
  ['IE00B95PGT31', 'Vanguard FTSE Japan UCITS ETF (USD) Distributing', '36.412575'],
  ['IE00B5M1WJ87', 'SPDR S&P Euro Dividend Aristocrats UCITS ETF (Dist)', '100.00'],
  ['IE00BF2GFH28', 'Invesco US Treasury Bond UCITS ETF', '100.00'],
  ['ZZREFUSED006', 'Sandbox Refused Orders', '100.00'],
];

const notTrading: readonly Row[] = [['DE0007472060', 'Wirecard AG', '0.01785']];

const listed =
  (fractional: boolean, tradingStatus: ListedInstrument['tradingStatus'] = 'ACTIVE') =>
  ([isin, name, price]: Row): ListedInstrument => ({
    isin,
    name,
    tradingStatus,
    fractional,
    price,
  });

/** Every one of these is simply sold in one piece at its price; any account may hold them. */
export const plainInstruments: readonly ListedInstrument[] = [
  ...sharesInFractions.map(listed(true)),
  ...sharesInWholeUnits.map(listed(false)),
  ...fundInstruments.map(listed(true)),
];

/** All instruments in the order of the files; the last few are held by showcase accounts only. */
export const allInstruments: readonly ListedInstrument[] = [
  ...plainInstruments,
  ...behaviourSwitches.map(listed(true)),
  ...notTrading.map(listed(false, 'INACTIVE')),
];
