import { readFileSync } from 'node:fs';

// Loaded into a gateway before anything else (NODE_OPTIONS=--import): its wall clock is off by as many milliseconds as a file
// says, read anew by SIGWINCH. Timers and performance.now() go on as they are, as when somebody sets the clock of a machine.
const file = process.env['FAULT_CLOCK_FILE'] ?? '';
const RealDate = Date;
let offset = 0;

function read(): void {
  offset = Number(readFileSync(file, 'utf8'));
}

class ShiftedDate extends RealDate {
  constructor(...args: readonly unknown[]) {
    // A date without arguments is now.
    super(...((args.length === 0 ? [ShiftedDate.now()] : args) as [number]));
  }

  static override now(): number {
    return RealDate.now() + offset;
  }
}

if (file !== '') {
  read();
  globalThis.Date = ShiftedDate as DateConstructor;
  process.on('SIGWINCH', read);
}
