// The import as a person meets it: a progress bar on a terminal, and a line for each file that says
// what became of it. The import itself is import-directory.ts.

import { assertNever } from '../assert.ts';
import { ImportError, importDirectory } from '../book/import-directory.ts';
import { shown } from '../book/import-fields.ts';
import { bookFileNames } from '../book/import-file.ts';
import type {
  FileReport,
  ImportedFile,
  ImportProgress,
  ImportReport,
  RefusedFile,
} from '../book/import-report.ts';
import { actOfCommand } from './acting.ts';
import { type Progress, ProgressBar } from './progress-bar.ts';
import type { OnClient } from './run.ts';

export interface ImportCommand extends OnClient {
  readonly directory: string;
  /** Where a progress bar can be drawn; undefined where there is no terminal. */
  readonly terminal: NodeJS.WritableStream | undefined;
  /** A sandbox can begin anew. */
  readonly isSandbox: boolean;
}

/**
 * Imports a directory and prints what became of it.
 *
 * @returns the exit code: 0 when every file that is there was imported, otherwise 1.
 * @throws trouble of the database; the files reported before it are settled.
 */
export async function runImport(command: ImportCommand): Promise<number> {
  const { sql, clock, tenantId, directory, stdout, terminal, isSandbox } = command;
  const say = (text: string): void => {
    stdout.write(`${text}\n`);
  };
  const bar = terminal && new ProgressBar(terminal);
  try {
    const report = await importDirectory(sql, clock, {
      actOf: (file, now, detail) => {
        return actOfCommand(now, { operation: 'import_book', target: `/book/${file}`, detail });
      },
      tenantId,
      directory,
      onProgress: (progress) => bar?.show(progressOf(progress)),
      onFile: (file) => {
        bar?.clear();
        for (const line of linesAbout(file)) say(line);
      },
    });
    for (const line of summaryOf(report)) say(line);
    if (isSandbox && report.files.some((file) => file.outcome === 'refused' && file.isOld)) {
      say('To sell an example book once more: "unwind sandbox reset", and import it again.');
    }
    return report.files.every((file) => file.outcome === 'imported') ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    say(`Nothing was imported: ${error.message}.`);
    return 1;
  } finally {
    bar?.clear();
  }
}

function linesAbout(file: FileReport): readonly string[] {
  return file.outcome === 'imported' ? [importedLine(file)] : refusedLines(file);
}

function importedLine({ file, lines, inserted, changed, unchanged }: ImportedFile): string {
  const written = `${figure(inserted)} new, ${figure(changed)} changed`;
  return `${inColumn(file)} ${amount(lines, 'line')}: ${written}, ${figure(unchanged)} as before`;
}

function refusedLines(report: RefusedFile): readonly string[] {
  const { file, lines, badLines, badLineCount, isWhole } = report;
  const ofLines = lines === 0 ? '' : ` of ${figure(lines)}`;
  const unlisted = badLineCount - badLines.length;
  return [
    `${inColumn(file)} nothing imported: ${amount(badLineCount, 'bad line')}${ofLines}`,
    ...badLines.map(({ line, reason }) =>
      line === undefined ? `  ${file}: ${reason}` : `  ${file}:${line}: ${reason}`,
    ),
    ...(unlisted > 0 ? [`  and ${amount(unlisted, 'more bad line')}`] : []),
    ...(isWhole ? [] : ['  The rest of the file could not be read.']),
  ];
}

function summaryOf({ files, ignored, ignoredCount }: ImportReport): readonly string[] {
  const refused = files.filter((file) => file.outcome === 'refused');
  const others = ignoredCount - ignored.length;
  const alike = ignored.filter((name) => /\.(csv|tsv|txt|xlsx?)$/i.test(name));
  const names = [...alike.map(shown), ...(others > 0 ? [`${figure(others)} more`] : [])];
  return [
    ...(names.length > 0 ? [`Ignored, since no part of a book: ${names.join(', ')}`] : []),
    refused.length === 0
      ? `Imported ${amount(files.length, 'file')}.`
      : `Imported ${figure(files.length - refused.length)} of ${amount(files.length, 'file')}. ` +
        'Correct the bad lines and import again: what is imported already stays as it is.',
  ];
}

/** Reading takes about as long as writing; between them the file as a whole is checked. */
const readPart = 0.45;
const checkedPart = 0.5;

function progressOf(progress: ImportProgress): Progress {
  const subject = inColumn(progress.file);
  switch (progress.step) {
    case 'reading': {
      const { bytesRead, bytesTotal, linesRead } = progress;
      const done = readPart * shareOf(bytesRead, bytesTotal);
      return { subject, done, detail: `reading, ${amount(linesRead, 'line')}` };
    }
    case 'checking':
      return { subject, done: readPart, detail: `checking ${amount(progress.lines, 'line')}` };
    case 'writing': {
      const { rowsWritten, rowsTotal } = progress;
      const done = checkedPart + (1 - checkedPart) * shareOf(rowsWritten, rowsTotal);
      return { subject, done, detail: `writing, ${figure(rowsWritten)} of ${figure(rowsTotal)}` };
    }
    default:
      return assertNever(progress);
  }
}

function shareOf(part: number, total: number): number {
  return total === 0 ? 1 : part / total;
}

const columnWidth = Math.max(...bookFileNames.map((name) => name.length));

function inColumn(name: string): string {
  return name.padEnd(columnWidth);
}

function amount(count: number, thing: string): string {
  return `${figure(count)} ${thing}${count === 1 ? '' : 's'}`;
}

function figure(count: number): string {
  return count.toLocaleString('en');
}
