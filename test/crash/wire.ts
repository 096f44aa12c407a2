// PostgreSQL's protocol (version 3) as far as a relay has to read it: where messages end, what they
// ask for, and what became of it. Everything else is passed on unread.

export interface Message {
  /** One letter; empty for the packet that begins a connection. */
  readonly type: string;
  readonly body: Buffer;
  /** All bytes of it, as they came. */
  readonly bytes: Buffer;
}

const protocolVersion = 196_608; // 3.0

/** Cuts a stream of bytes into messages. */
export class Framer {
  #rest: Buffer = Buffer.alloc(0);
  /** Whether what comes next has no letter before its length. */
  #isOpening: boolean;

  constructor(options: { readonly opens: boolean }) {
    this.#isOpening = options.opens;
  }

  /** @returns the messages that are complete now. */
  push(chunk: Buffer): readonly Message[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const messages: Message[] = [];
    for (let next = this.#take(); next !== undefined; next = this.#take()) messages.push(next);
    return messages;
  }

  #take(): Message | undefined {
    const letter = this.#isOpening ? 0 : 1;
    if (this.#rest.length < letter + 4) return undefined;
    const length = letter + this.#rest.readUInt32BE(letter);
    if (this.#rest.length < length) return undefined;
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    const message = {
      type: bytes.toString('latin1', 0, letter),
      body: bytes.subarray(letter + 4),
      bytes,
    };
    if (this.#isOpening && isStartup(message)) this.#isOpening = false;
    return message;
  }
}

function isStartup({ body }: Message): boolean {
  return body.readUInt32BE(0) === protocolVersion;
}

/** The name a connection gives itself; undefined for another opening, such as that of a cancel. */
export function applicationNameOf(opening: Message): string | undefined {
  if (!isStartup(opening)) return undefined;
  const words = opening.body.toString('utf8', 4).split('\0');
  const place = words.findIndex((word, i) => i % 2 === 0 && word === 'application_name');
  return place < 0 ? '' : words[place + 1];
}

function firstText(body: Buffer, from = 0): { readonly text: string; readonly end: number } {
  const end = body.indexOf(0, from);
  return { text: body.toString('utf8', from, end), end: end + 1 };
}

/** What one connection asks, statement by statement: texts of prepared ones are remembered. */
export class Asked {
  readonly #prepared = new Map<string, string>();
  #texts: string[] = [];

  /** @returns the texts of a complete question, or undefined while more of it is to come. */
  read({ type, body }: Message): readonly string[] | undefined {
    switch (type) {
      case 'Q':
        return [firstText(body).text];
      case 'P': {
        const name = firstText(body);
        this.#prepared.set(name.text, firstText(body, name.end).text);
        return undefined;
      }
      case 'B': {
        const statement = firstText(body, firstText(body).end).text;
        this.#texts.push(this.#prepared.get(statement) ?? '');
        return undefined;
      }
      case 'S': {
        const texts = this.#texts;
        this.#texts = [];
        return texts;
      }
      default:
        return undefined;
    }
  }
}

/** What the server answered to one question. */
export interface Outcome {
  readonly failed: boolean;
  /** Rows of the last statement, where its tag counts some. */
  readonly rows: number;
  /** Whether the connection is in a transaction now. */
  readonly inTransaction: boolean;
}

/** What one connection is answered. */
export class Answered {
  #failed = false;
  #rows = 0;

  /** @returns what became of a question, once the server is ready for the next one. */
  read({ type, body }: Message): Outcome | undefined {
    switch (type) {
      case 'E':
        this.#failed = true;
        return undefined;
      case 'C':
        this.#rows = Number(/\d+$/.exec(firstText(body).text)?.[0] ?? 0);
        return undefined;
      case 'Z': {
        const outcome = {
          failed: this.#failed,
          rows: this.#rows,
          inTransaction: body.toString('latin1', 0, 1) !== 'I',
        };
        this.#failed = false;
        this.#rows = 0;
        return outcome;
      }
      default:
        return undefined;
    }
  }
}
