/** What a verb of the program is given, and how it fails: by one message that says the cause, the value and what to do next. */

import type { Command } from 'commander';

/** Puts one verb into the program. What its action needs is loaded when it runs, so that the program starts fast. */
export type Verb = (program: Command) => void;

/** A failure that is told to people as it is; everything else is a defect and shows its stack. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const printLine = (line: string): void => void process.stdout.write(`${line}\n`);

/** On one line, as scripts read it. */
export const printJson = (value: unknown): void => printLine(JSON.stringify(value));

/** For a server, or an engine: it serves on when nobody reads what it prints any more, where another program ends. */
export const goOnUnread = (): void => {
  process.stdout.removeAllListeners('error').on('error', () => undefined);
};
