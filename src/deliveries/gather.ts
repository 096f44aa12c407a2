// Gathers single questions into batches, so that many who ask one thing each cost one statement: what
// is asked while a batch is under way goes with the next.

interface Asked<Ask, Answer> {
  readonly ask: Ask;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Answers single questions by batches of at most so many, one batch at a time. A batch that fails
 * fails for each who asked in it.
 *
 * @param answerAll gives one answer for each question, in their order.
 */
export function gathering<Ask, Answer>(
  batchMax: number,
  answerAll: (asks: readonly Ask[]) => Promise<readonly Answer[]>,
): (ask: Ask) => Promise<Answer> {
  let waiting: Asked<Ask, Answer>[] = [];
  let isAnswering = false;
  const answerWaiting = async (): Promise<void> => {
    isAnswering = true;
    // Whoever asks in the same turn of the event loop goes with the first.
    await Promise.resolve();
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchMax);
      waiting = waiting.slice(batchMax);
      await answerBatch(batch, answerAll);
    }
    isAnswering = false;
  };
  return (ask) =>
    new Promise((resolve, reject) => {
      waiting.push({ ask, resolve, reject });
      if (!isAnswering) void answerWaiting();
    });
}

async function answerBatch<Ask, Answer>(
  batch: readonly Asked<Ask, Answer>[],
  answerAll: (asks: readonly Ask[]) => Promise<readonly Answer[]>,
): Promise<void> {
  try {
    const answers = await answerAll(batch.map(({ ask }) => ask));
    // One answer for each: an answer of undefined is an answer.
    for (const [i, { resolve }] of batch.entries()) resolve(answers[i] as Answer);
  } catch (error) {
    for (const { reject } of batch) reject(error);
  }
}
