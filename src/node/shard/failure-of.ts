/** What a command threw, as the reply to its client. Border: anything else that is thrown is a defect, and is thrown on. */

import { Failure } from '../../resp/reply.ts';
import { Refusal } from '../../resp/refusals.ts';

export function failureOf(error: unknown): Failure {
  if (error instanceof Refusal) return new Failure(error.message);
  if (error instanceof RangeError && /string length|array length|allocation failed/i.test(error.message)) {
    // JavaScript's strings and arrays end earlier than Redis's: a limit of ours, said plainly.
    return new Failure('ERR result exceeds the largest value this server can hold (512 MiB)');
  }
  throw error;
}
