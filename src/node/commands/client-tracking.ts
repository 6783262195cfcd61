/** CLIENT TRACKING and what belongs to it: client side caching. Who is told what is in `shard/tracking.ts`. [redis networking.c clientCommand] */

import { MapReply, OK, SetReply, type Reply } from '../../resp/reply.ts';
import { refuse } from '../../resp/refusals.ts';
import type { CommandContext } from '../shard/context.ts';
import type { Session } from '../shard/session.ts';
import type { Tracking, TrackingMode } from '../shard/tracking.ts';
import { rest, text, word } from './arguments.ts';
import { defineCommand, type Command, type Flag } from './command.ts';
import { parseInteger } from './numbers.ts';

const SELF: readonly Flag[] = ['noscript', 'loading', 'stale'];

interface Options {
  readonly words: ReadonlySet<string>;
  readonly redirect: number;
  readonly prefixes: readonly string[];
}

function parseOptions({ shard }: CommandContext, given: readonly string[]): Options {
  const words = new Set<string>();
  const prefixes: string[] = [];
  let redirect = 0;
  for (let at = 0; at < given.length; at++) {
    const name = given[at]!.toUpperCase();
    const value = given[at + 1];
    if (name === 'REDIRECT' && value !== undefined) {
      at++;
      if (redirect !== 0) throw refuse('ERR', 'A client can only redirect to a single other client');
      const id = parseInteger(value);
      if (id === null) throw refuse('NOT_INTEGER');
      if (!shard.sessions.has(id)) throw refuse('ERR', 'The client ID you want redirect to does not exist');
      redirect = id;
    } else if (name === 'PREFIX' && value !== undefined) {
      at++;
      prefixes.push(value);
    } else if (SINGLE_WORDS.has(name)) words.add(name);
    else throw refuse('SYNTAX');
  }
  return { words, redirect, prefixes };
}

const SINGLE_WORDS: ReadonlySet<string> = new Set(['BCAST', 'OPTIN', 'OPTOUT', 'NOLOOP']);

/** What is asked must fit together, and with what holds already, in this order. */
function modeOf({ words, prefixes }: Options, now: Tracking | null): TrackingMode {
  const [isBroadcast, isOptIn, isOptOut] = [words.has('BCAST'), words.has('OPTIN'), words.has('OPTOUT')];
  if (!isBroadcast && prefixes.length > 0) throw refuse('ERR', 'PREFIX option requires BCAST mode to be enabled');
  if (now !== null && (now.mode === 'bcast') !== isBroadcast) throw switched('BCAST mode on/off');
  if (isBroadcast && (isOptIn || isOptOut)) throw refuse('ERR', 'OPTIN and OPTOUT are not compatible with BCAST');
  if (isOptIn && isOptOut) throw refuse('ERR', "You can't specify both OPTIN mode and OPTOUT mode");
  if ((isOptIn && now?.mode === 'optout') || (isOptOut && now?.mode === 'optin')) throw switched('OPTIN/OPTOUT mode');
  if (isBroadcast) return 'bcast';
  return isOptIn ? 'optin' : isOptOut ? 'optout' : 'default';
}

const switched = (what: string) =>
  refuse(
    'ERR',
    `You can't switch ${what} before disabling tracking for this client, and then re-enabling it with a different mode.`,
  );

const overlap = (one: string, other: string): boolean => one.startsWith(other) || other.startsWith(one);

const overlapTold = (prefix: string, kind: string, other: string) =>
  refuse(
    'ERR',
    `Prefix '${prefix}' overlaps with ${kind} prefix '${other}'. Prefixes for a single client must not overlap.`,
  );

function refuseOverlaps(given: readonly string[], existing: Iterable<string>): void {
  const known = [...existing].sort();
  for (const [at, prefix] of given.entries()) {
    for (const other of known) if (overlap(other, prefix)) throw overlapTold(prefix, 'an existing', other);
    for (const other of given.slice(at + 1))
      if (overlap(other, prefix)) throw overlapTold(prefix, 'another provided', other);
  }
}

function begin(context: CommandContext, options: Options): Reply {
  const { session, shard } = context;
  const mode = modeOf(options, session.tracking);
  const prefixes = new Set(mode === 'bcast' && options.prefixes.length === 0 ? [''] : options.prefixes);
  if (mode === 'bcast') refuseOverlaps(options.prefixes, session.tracking?.prefixes ?? []);
  const { redirect, words } = options;
  shard.tracking.begin(session, { mode, prefixes, redirect, noLoop: words.has('NOLOOP') });
  return OK;
}

function describe({ tracking }: Session): Reply {
  const flags = [tracking === null ? 'off' : 'on'];
  if (tracking !== null) {
    if (tracking.mode !== 'default') flags.push(tracking.mode);
    if (tracking.isCachingGiven && tracking.mode === 'optin') flags.push('caching-yes');
    if (tracking.isCachingGiven && tracking.mode === 'optout') flags.push('caching-no');
    if (tracking.noLoop) flags.push('noloop');
    if (tracking.isBroken) flags.push('broken_redirect');
  }
  return new MapReply([
    'flags',
    new SetReply(flags),
    'redirect',
    tracking === null ? -1 : tracking.redirect,
    'prefixes',
    [...(tracking?.prefixes ?? [])].sort(),
  ]);
}

export const trackingCommands: readonly Command[] = [
  defineCommand({
    name: 'CLIENT TRACKING',
    group: 'connection',
    since: '6.0.0',
    summary: 'Tells this connection, or another, when keys it has read have changed.',
    complexity: 'O(1). Some options may introduce additional complexity.',
    flags: SELF,
    arity: -3,
    arguments: {
      status: { ...rest({ type: 'oneof' }), doc: word('ON', 'OFF').doc },
      options: {
        ...rest({ type: 'block' }),
        doc: {
          type: 'block',
          optional: true,
          arguments: [
            { name: 'client-id', type: 'integer', token: 'REDIRECT', optional: true },
            { name: 'prefix', type: 'string', token: 'PREFIX', optional: true, multiple: true, multipleToken: true },
            { name: 'bcast', type: 'pure-token', token: 'BCAST', optional: true },
            { name: 'optin', type: 'pure-token', token: 'OPTIN', optional: true },
            { name: 'optout', type: 'pure-token', token: 'OPTOUT', optional: true },
            { name: 'noloop', type: 'pure-token', token: 'NOLOOP', optional: true },
          ],
        },
      },
    },
    run(context, { status: [status, ...given] }) {
      const options = parseOptions(context, given);
      const isOn = status!.toUpperCase();
      if (isOn === 'ON') return begin(context, options);
      if (isOn !== 'OFF') throw refuse('SYNTAX');
      context.shard.tracking.end(context.session);
      return OK;
    },
  }),

  defineCommand({
    name: 'CLIENT CACHING',
    group: 'connection',
    since: '6.0.0',
    summary: 'Says whether what the next request reads is to be tracked.',
    complexity: 'O(1)',
    flags: SELF,
    arguments: { mode: { ...text(), doc: word('YES', 'NO').doc } },
    run({ session: { tracking } }, { mode }) {
      if (tracking === null) {
        throw refuse(
          'ERR',
          'CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
        );
      }
      const answer = mode.toUpperCase();
      if (answer !== 'YES' && answer !== 'NO') throw refuse('SYNTAX');
      const wanted = answer === 'YES' ? 'optin' : 'optout';
      if (tracking.mode !== wanted) {
        throw refuse(
          'ERR',
          `CLIENT CACHING ${answer} is only valid when tracking is enabled in ${wanted.toUpperCase()} mode.`,
        );
      }
      tracking.isCachingGiven = true;
      return OK;
    },
  }),

  defineCommand({
    name: 'CLIENT GETREDIR',
    group: 'connection',
    since: '6.0.0',
    summary: 'Answers which connection is told of changes instead of this one.',
    complexity: 'O(1)',
    flags: SELF,
    arguments: {},
    run: ({ session: { tracking } }) => (tracking === null ? -1 : tracking.redirect),
  }),

  defineCommand({
    name: 'CLIENT TRACKINGINFO',
    group: 'connection',
    since: '6.2.0',
    summary: 'Describes the tracking of this connection.',
    complexity: 'O(1)',
    flags: SELF,
    arguments: {},
    run: ({ session }) => describe(session),
  }),
];
