/**
 * PURE: what a replica says before it receives a stream, one request and one reply at a time
 * [redis replication.c syncWithMaster]. `begin` gives the first request, `next` takes a reply line and gives the next one.
 *
 * PING, AUTH, the owner's own requests, the one that turns compression on, REPLCONF listening-port, ip-address and capa, PSYNC.
 * A refused REPLCONF is not the end (old servers know fewer), a refused PSYNC is: what can be mended by trying again is
 * `transient`. From the reply to the request for compression on, everything arrives compressed.
 *
 * Border: no bytes (framing is `handshake-reader.ts`), no connection (`link.ts`).
 */

export interface HandshakePlan {
  readonly username: string | null;
  /** Null: AUTH is not sent. */
  readonly password: string | null;
  /** Requests after AUTH; each must be answered with something other than an error. */
  readonly preamble: readonly (readonly string[])[];
  /** The request whose answer is the last that arrives uncompressed; null: nothing is compressed. */
  readonly compression: readonly string[] | null;
  readonly announcePort: number | null;
  readonly announceHost: string | null;
  /** Up to where the history is known already; null asks for everything. */
  readonly resumeFrom: { readonly replicationId: string; readonly offset: number } | null;
  /** The far side, a replica of ours until now, is to become a primary. */
  readonly takesOver: boolean;
}

export type HandshakeFailure =
  | { readonly why: 'auth-failed'; readonly detail: string }
  | { readonly why: 'psync-not-supported'; readonly detail: string }
  | { readonly why: 'compression-unsupported'; readonly detail: string }
  /** The source is full [RS replica-of: synchronization errors]. */
  | { readonly why: 'source-out-of-memory'; readonly detail: string }
  | { readonly why: 'source-refused'; readonly detail: string; readonly transient: boolean }
  | { readonly why: 'protocol'; readonly detail: string };

export type HandshakeResult =
  | { readonly kind: 'full'; readonly replicationId: string; readonly offset: number }
  /** `replicationId` is null when the source did not say it: the one asked for goes on. */
  | { readonly kind: 'continued'; readonly replicationId: string | null }
  | { readonly kind: 'failed'; readonly failure: HandshakeFailure };

export type HandshakeState =
  | {
      readonly step: 'ping' | 'auth' | 'compression' | 'listening-port' | 'ip-address' | 'capa' | 'psync';
      readonly plan: HandshakePlan;
    }
  | { readonly step: 'preamble'; readonly at: number; readonly plan: HandshakePlan }
  | { readonly step: 'done'; readonly result: HandshakeResult };

export interface HandshakeMove {
  readonly state: HandshakeState;
  /** Null: nothing more to say. */
  readonly send: readonly string[] | null;
}

/** Steps in their order; those the plan does not need are passed over. */
const STEPS = ['ping', 'auth', 'preamble', 'compression', 'listening-port', 'ip-address', 'capa', 'psync'] as const;
type Step = (typeof STEPS)[number];

/** What is sent at each step; null where the plan does not need it. */
const REQUESTS: Readonly<Record<Step, (plan: HandshakePlan) => readonly string[] | null>> = {
  ping: () => ['PING'],
  auth: ({ username, password }) =>
    password === null ? null : ['AUTH', ...(username === null ? [] : [username]), password],
  preamble: ({ preamble }) => preamble[0] ?? null,
  compression: ({ compression }) => compression,
  'listening-port': ({ announcePort: port }) => (port === null ? null : ['REPLCONF', 'listening-port', String(port)]),
  'ip-address': ({ announceHost: host }) => (host === null ? null : ['REPLCONF', 'ip-address', host]),
  capa: () => ['REPLCONF', 'capa', 'eof', 'capa', 'psync2'],
  psync: ({ resumeFrom: from, takesOver }) => [
    'PSYNC',
    ...(from === null ? ['?', '-1'] : [from.replicationId, String(from.offset + 1)]),
    ...(takesOver ? ['FAILOVER'] : []),
  ],
};

const REPLICATION_ID = /^[0-9a-fA-F]{40}$/;
/** Refusals that pass with time [redis replication.c slaveTryPartialResynchronization]. */
const TRANSIENT = /^-(NOMASTERLINK|LOADING|MASTERDOWN|TRYAGAIN|BUSY|MISCONF|ERR max number of clients)/i;
const OUT_OF_MEMORY = /^-OOM\b/i;
/** What a server says to a request that it does not know, or knows in another form. */
const UNKNOWN = /^-ERR (unknown (sub)?command|wrong number of arguments|syntax error)/i;
const NOT_AUTHENTICATED = /^-(NOAUTH|WRONGPASS)/i;
/** What a server that wants AUTH first says to PING; by its age [redis replication.c, RECEIVE_PING_REPLY]. */
const PING_NEEDS_AUTH = /^-(NOAUTH|NOPERM|ERR operation not permitted)/i;

export function begin(plan: HandshakePlan): HandshakeMove {
  return { state: { step: 'ping', plan }, send: ['PING'] };
}

/** `line` is the reply without its line end (of a bulk reply: `$` and its contents). */
export function next(state: HandshakeState, line: string): HandshakeMove {
  if (state.step === 'done') return fail('protocol', `an unexpected reply after the handshake: ${shown(line)}`);
  const { plan } = state;
  const isError = line.startsWith('-');
  switch (state.step) {
    case 'ping':
      if (isError && !PING_NEEDS_AUTH.test(line)) return refused(line);
      if (isError && plan.password === null) return fail('auth-failed', text(line));
      if (!isError && !line.startsWith('+')) return fail('protocol', `unexpected reply to PING: ${shown(line)}`);
      break;
    case 'auth':
      if (TRANSIENT.test(line) || OUT_OF_MEMORY.test(line)) return refused(line);
      if (isError) return fail('auth-failed', text(line));
      break;
    case 'preamble':
      if (isError) return refused(line);
      if (state.at + 1 < plan.preamble.length) {
        const at = state.at + 1;
        return { state: { step: 'preamble', at, plan }, send: plan.preamble[at]! };
      }
      break;
    case 'compression':
      if (UNKNOWN.test(line)) return fail('compression-unsupported', text(line));
      if (isError) return refused(line);
      break;
    case 'listening-port':
    case 'ip-address':
    case 'capa':
      if (NOT_AUTHENTICATED.test(line)) return fail('auth-failed', text(line));
      break;
    case 'psync':
      return psyncReply(plan, line);
  }
  return enter(plan, STEPS.indexOf(state.step) + 1);
}

/** What is being waited for, for people. */
export function awaited(state: HandshakeState): string {
  if (state.step === 'done') return 'nothing';
  const { plan, step } = state;
  const words = step === 'preamble' ? plan.preamble[state.at]! : REQUESTS[step](plan)!;
  // Never the password, nor ids
  return `the reply to ${words.slice(0, step === 'auth' || step === 'psync' ? 1 : 2).join(' ')}`;
}

/** Goes to the first step from there on that has something to send. */
function enter(plan: HandshakePlan, from: number): HandshakeMove {
  for (const step of STEPS.slice(from)) {
    const send = REQUESTS[step](plan);
    if (send === null) continue;
    return { state: step === 'preamble' ? { step, at: 0, plan } : { step, plan }, send };
  }
  return fail('protocol', 'a handshake ends with PSYNC');
}

function psyncReply(plan: HandshakePlan, line: string): HandshakeMove {
  const words = line.split(' ');
  if (words[0] === '+FULLRESYNC') {
    const [, replicationId = '', offset = ''] = words;
    if (!REPLICATION_ID.test(replicationId) || !/^\d{1,16}$/.test(offset)) {
      return fail('protocol', `malformed reply to PSYNC: ${shown(line)}`);
    }
    return done({ kind: 'full', replicationId, offset: Number(offset) });
  }
  if (words[0] === '+CONTINUE') {
    const replicationId = words[1] ?? null;
    if (plan.resumeFrom === null) return fail('protocol', 'the source continues a stream that was not begun');
    if (replicationId !== null && !REPLICATION_ID.test(replicationId)) {
      return fail('protocol', `malformed reply to PSYNC: ${shown(line)}`);
    }
    return done({ kind: 'continued', replicationId });
  }
  if (/^-ERR unknown command/i.test(line)) return fail('psync-not-supported', text(line));
  if (NOT_AUTHENTICATED.test(line)) return fail('auth-failed', text(line));
  if (line.startsWith('-')) return refused(line);
  return fail('protocol', `unexpected reply to PSYNC: ${shown(line)}`);
}

const done = (result: HandshakeResult): HandshakeMove => ({ state: { step: 'done', result }, send: null });

const fail = (why: Exclude<HandshakeFailure['why'], 'source-refused'>, detail: string): HandshakeMove =>
  done({ kind: 'failed', failure: { why, detail } });

function refused(line: string): HandshakeMove {
  const detail = text(line);
  if (NOT_AUTHENTICATED.test(line)) return fail('auth-failed', detail);
  if (OUT_OF_MEMORY.test(line)) return fail('source-out-of-memory', detail);
  return done({ kind: 'failed', failure: { why: 'source-refused', detail, transient: TRANSIENT.test(line) } });
}

/** An error reply without its mark. */
const text = (line: string): string => line.slice(1);

const SHOWN_MAX = 120;
const shown = (line: string): string => JSON.stringify(line.slice(0, SHOWN_MAX));
