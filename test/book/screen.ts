// A stream that a command writes to, for a test to read.
import { Writable } from 'node:stream';

/** What is written, as text; a terminal where `isTTY` says so. */
export class Screen extends Writable {
  readonly isTTY: boolean;
  readonly columns = 100;
  text = '';

  constructor(isTTY = false) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}
