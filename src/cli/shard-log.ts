/**
 * The log of a lone shard: what the program tells of itself, as lines of redis-server's form, `PID:ROLE time level text`. Texts that
 * test suites and operators look for are in Redis's words, everything else is the event with its fields. `loglevel` is obeyed.
 *
 * Border: where lines go is the caller's affair.
 */

import type { Shard } from '../node/shard/shard.ts';
import type { Log, LogFields } from '../world/world.ts';

/** As they stand before a text: debug, verbose, notice, warning. */
type Level = '.' | '-' | '*' | '#';

/** The levels that are shown. [redis.conf loglevel] */
const SHOWN: Readonly<Record<string, string>> = {
  debug: '.-*#',
  verbose: '-*#',
  notice: '*#',
  warning: '#',
  nothing: '',
};
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

type Lines = readonly (readonly [level: Level, text: string])[];

/** Why a link is down, where harnesses and operators look for the words. [redis replication.c] */
const LINK_DOWN: Readonly<Record<string, string>> = {
  timeout: 'Timeout connecting to the MASTER or receiving from it',
  'auth-failed': 'Unable to AUTH to MASTER',
};

/** Events with a text of their own. */
const TEXTS: Readonly<Record<string, (fields: LogFields) => Lines>> = {
  'replica-of': ({ source }) => [['*', `Connecting to MASTER ${String(source)}`]],
  'full-sync': ({ source, because, offset }) => [
    ['*', `Full resync from master ${String(source)}, offset ${String(offset)}: ${String(because)}`],
    ['*', 'MASTER <-> REPLICA sync: Loading DB in memory as it arrives'],
  ],
  'full-sync-done': ({ offset }) => [['*', `MASTER <-> REPLICA sync: Finished with success, offset ${String(offset)}`]],
  'partial-sync': ({ offset }) => [
    ['*', `Successful partial resynchronization with master, offset ${String(offset)}`],
    ['*', 'MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.'],
  ],
  'replica-link-down': ({ why, detail, retryMs }) => [
    ['#', `${LINK_DOWN[String(why)] ?? `Connection with master lost or not made (${String(why)})`}: ${String(detail)}`],
    ['*', `Reconnecting to MASTER in ${String(retryMs)} ms`],
  ],
  'replica-stopped': ({ source, why, detail }) => [
    ['#', `== CRITICAL == This replica follows ${String(source)} no more (${String(why)}): ${String(detail)}`],
  ],
  'write-passed-over': ({ detail }) => [
    ['#', `== CRITICAL == This writable replica differs from its master: ${String(detail)}`],
  ],
  promoted: ({ offset }) => [['*', `MASTER MODE enabled, at offset ${String(offset)}`]],
  'replica-full-sync': ({ replica, offset }) => [
    ['*', `Full resync requested by replica ${String(replica)}, sent from offset ${String(offset)}`],
  ],
  'replica-partial-sync': ({ replica, from }) => [
    ['*', `Partial resynchronization request from ${String(replica)} accepted, from offset ${String(from)}`],
  ],
  'replica-dropped': ({ replica, why }) => [['#', `Replica ${String(replica)} disconnected: ${String(why)}`]],
  'debug-log': ({ message }) => [['#', `DEBUG LOG: ${String(message)}`]],
  'too-many-error-codes': ({ codes }) => [
    ['#', 'Errorstats stopped adding new errors: their codes seem to be made of data. CONFIG RESETSTAT counts anew'],
    ['#', `Current errors code list: ${String(codes)}`],
  ],
  'script-slow': ({ script, milliseconds }) => [
    ['#', `Slow script detected: ${String(script)} still in execution after ${String(milliseconds)} milliseconds`],
  ],
  'script-log': ({ level, message }) => [[scriptLevel(level), String(message)]],
  'snapshot-saved': () => [
    ['*', 'DB saved on disk'],
    ['*', 'Background saving terminated with success'],
  ],
  'log-rewritten': () => [['*', 'Background AOF rewrite terminated with success']],
  'snapshot-not-saved': ({ detail }) => [['#', `Background saving error: ${String(detail)}`]],
  'logged-request-failed': ({ command, detail }) => [
    [
      '#',
      `== CRITICAL == This server is sending an error to its AOF-loading-client: '-${String(detail)}' after processing the command '${String(command)}'`,
    ],
  ],
  'log-not-written': ({ detail }) => [['#', `Error writing to the AOF file: ${String(detail)}`]],
  'log-not-rewritten': ({ detail }) => [['#', `Background AOF rewrite terminated with error: ${String(detail)}`]],
  'failover-timeout': ({ to }) => [['*', `Failover time out exceeded, failing over to ${String(to)}`]],
  'failover-aborted': ({ detail }) => [['*', `Failover aborted: ${String(detail)}`]],
  'shutdown-wanted': () => [['*', 'User requested shutdown...']],
  'waiting-for-replicas': ({ replicas }) => [
    ['*', `Waiting for replicas before shutting down: ${String(replicas)} lag`],
  ],
  'replica-lags': ({ replica, behindBytes, lagSeconds, state }) => [
    [
      '*',
      `Lagging replica ${String(replica)} reported offset ${String(behindBytes)} behind master, lag=${String(lagSeconds)}, state=${String(state)}.`,
    ],
  ],
  'replicas-at-end': ({ inSync, replicas }) => [
    ['*', `${String(inSync)} of ${String(replicas)} replicas are in sync when shutting down.`],
  ],
  'shutdown-aborted': () => [['*', 'Shutdown manually aborted.']],
  'shutdown-failed': () => [['#', 'Errors trying to shut down the server. Check the logs for more information.']],
};

/** [redis script_lua.c luaRegisterLogFunction] */
const scriptLevel = (level: LogFields[string]): Level => {
  const levels: readonly Level[] = ['.', '-', '*', '#'];
  return levels[Number(level)] ?? '*';
};

export class ShardLog implements Log {
  /** Those that come before there is somebody to hear them wait. */
  #early: [Level, string][] = [];
  #shard: Shard | null = null;
  #say: (line: string) => void = () => undefined;
  #isTerse = false;

  /** From now on lines go there, those so far first; `terse`: warnings alone. */
  open(shard: Shard, say: (line: string) => void, terse = false): void {
    this.#shard = shard;
    this.#say = say;
    this.#isTerse = terse;
    for (const [level, text] of this.#early.splice(0)) this.line(level, text);
  }

  event(name: string, fields: LogFields = {}): void {
    const text = TEXTS[name];
    const lines: Lines =
      text === undefined
        ? [['*', [name, ...Object.entries(fields).map(([field, value]) => `${field}=${String(value)}`)].join(' ')]]
        : text(fields);
    for (const [level, each] of lines) this.line(level, each);
  }

  line(level: Level, text: string): void {
    const shard = this.#shard;
    if (shard === null) {
      this.#early.push([level, text]);
      return;
    }
    if (this.#isTerse && level !== '#') return;
    if (SHOWN[shard.config.get('loglevel')]?.includes(level) !== true) return;
    const role = shard.role === 'replica' ? 'S' : 'M';
    const oneLine = text.replace(/[\r\n]+/g, ' ');
    this.#say(`${process.pid}:${role} ${timeText(shard.world.clock.now())} ${level} ${oneLine}`);
  }
}

const two = (value: number): string => String(value).padStart(2, '0');

/** Local, as redis-server writes it. */
const timeText = (atMs: number): string => {
  const at = new Date(atMs);
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(':');
  const milliseconds = String(at.getMilliseconds()).padStart(3, '0');
  return `${two(at.getDate())} ${MONTHS[at.getMonth()]!} ${at.getFullYear()} ${time}.${milliseconds}`;
};
