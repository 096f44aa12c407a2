// Preloaded into a process (`node --import`) whose machine has a clock that is off: TEST_CLOCK_SHIFT_MS.

const shiftMs = Number(process.env['TEST_CLOCK_SHIFT_MS']);
const Real = globalThis.Date;

class ShiftedDate extends Real {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(ShiftedDate.now());
    else super(...(args as [number]));
  }

  static override now(): number {
    return Real.now() + shiftMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
