/**
 * Where a request goes. Pure: words and settings in, a `Route` out.
 *
 * The request's plan (`plan.ts`) is looked up, what can be checked without a shard is checked in Redis's order (known,
 * arity, authenticated), and the keys are placed. Rules about slots hold for sharded databases only; a database of one
 * shard takes every request as it is. Border: carrying a route out is `client-session.ts`; splitting and folding
 * `scatter.ts`.
 */

import type { Command } from '../node/commands/command.ts';
import { keyPositionsOf } from '../node/commands/key-uses.ts';
import type { CommandTable } from '../node/commands/table.ts';
import { Refusal, refuse } from '../resp/refusals.ts';
import { denialText } from '../node/acl/denial-text.ts';
import { configRefusal } from './blocked-commands.ts';
import type { EndpointSettings } from './endpoint-settings.ts';
import { noSlot, placeDeclared, placeKeys, type Anchor } from './key-slots.ts';
import type { LocalCommand } from './local-command.ts';
import type { RouteContext } from './route-context.ts';
import { ASK_DECLARATION, NO_KEY, PlanBook, type Plan, type SessionStep } from './plan.ts';
import { scatterScan, splitByKey, type Fold, type Scattered } from './scatter.ts';

/** What may go anywhere goes to the first shard. */
const ANY_SHARD = 0;

export type Route =
  | { readonly to: 'shard'; readonly shard: number; readonly blocking: boolean }
  | { readonly to: 'shards'; readonly scattered: Scattered; readonly blocking: boolean }
  | { readonly to: 'proxy'; readonly command: LocalCommand }
  | { readonly to: 'session'; readonly step: SessionStep }
  | { readonly to: 'refuse'; readonly refusal: Refusal };

/** What becomes of a request between MULTI and EXEC. */
export type QueuedRoute =
  | { readonly to: 'queue'; readonly anchor: Anchor | null }
  | Extract<Route, { to: 'session' | 'refuse' }>;

const isAdmin = ({ account }: RouteContext): boolean => account?.isAdmin === true;

/** A RESP2 client that has subscribed may manage its subscriptions, and little else. */
export const isForSubscribers = (route: Route): boolean =>
  (route.to === 'proxy' && route.command.name === 'PING') ||
  (route.to === 'session' && (route.step === 'QUIT' || route.step.endsWith('SUBSCRIBE')));

export class Router {
  readonly #book: PlanBook;

  constructor(commands: CommandTable) {
    this.#book = new PlanBook(commands);
  }

  get commands(): CommandTable {
    return this.#book.commands;
  }

  /** For a client outside MULTI. */
  route(words: readonly string[], context: RouteContext): Route {
    const plan = this.#book.find(words, context);
    if (plan === null) return refused(this.#book.refusal(words));
    if (plan.kind === 'blocked' || plan.kind === 'container') return refused(this.#book.refusal(words));
    const refusal = refusalBefore(plan, words, context);
    if (refusal !== null) return { to: 'refuse', refusal };
    switch (plan.kind) {
      case 'keys':
        return routeByKeys(plan, words, context.settings);
      case 'split':
        return routeSplit(plan.command, plan.step, words, context.settings);
      case 'whole':
        return everywhere(plan.fold, words, context.settings, plan.blocking);
      case 'scan':
        if (!context.settings.clustered) return { to: 'shard', shard: ANY_SHARD, blocking: false };
        return { to: 'shards', scattered: scatterScan(words, context.settings.shards.length), blocking: false };
      case 'config':
        if (plan.sets) return everywhere(plan.fold, words, context.settings, false);
        return { to: 'shards', scattered: { parts: [{ shard: ANY_SHARD, words }], fold: plan.fold }, blocking: false };
      case 'proxy':
        return { to: 'proxy', command: plan.local };
      case 'step':
        return { to: 'session', step: plan.step };
      case 'pinned-only':
        return refused(this.#book.refusal(words));
    }
  }

  /**
   * For a client between MULTI and EXEC; `anchor` is what earlier keys, watched ones included, have settled on. All keys
   * must lie in one slot [RS clustering: transactions].
   */
  routeQueued(words: readonly string[], context: RouteContext, anchor: Anchor | null): QueuedRoute {
    const plan = this.#book.find(words, context);
    if (plan === null) return refused(this.#book.refusal(words));
    if (plan.kind === 'blocked' || plan.kind === 'container') return refused(this.#book.refusal(words));
    const refusal = refusalBefore(plan, words, context);
    if (refusal !== null) return { to: 'refuse', refusal };
    const { settings } = context;
    switch (plan.kind) {
      case 'keys':
      case 'split': {
        if (plan.command.flags.has('no_multi'))
          return refused(refuse('ERR', 'Command not allowed inside a transaction'));
        if (!settings.clustered) return { to: 'queue', anchor };
        return queueKeys(plan.command, words, settings, anchor);
      }
      case 'whole':
      case 'scan':
        if (!settings.clustered) return { to: 'queue', anchor };
        return refused(
          refuse('ERR', `'${words[0]!.slice(0, 128)}' concerns every shard and cannot be part of a transaction`),
        );
      case 'proxy':
        if (plan.local.name === 'PING' || plan.local.name === 'ECHO') return { to: 'queue', anchor };
        return refused(refuse('ERR', 'Command not allowed inside a transaction'));
      case 'step':
        if (['MULTI', 'EXEC', 'DISCARD', 'WATCH', 'QUIT'].includes(plan.step))
          return { to: 'session', step: plan.step };
        if (plan.step === 'UNWATCH') return { to: 'queue', anchor };
        return refused(refuse('ERR', 'Command not allowed inside a transaction'));
      case 'config':
        return refused(refuse('ERR', 'Command not allowed inside a transaction'));
      case 'pinned-only':
        return refused(this.#book.refusal(words));
    }
  }

  /** Slot of the keys of a request that names only keys after its first word (WATCH). */
  routeWatch(
    words: readonly string[],
    settings: EndpointSettings,
    anchor: Anchor | null,
  ): { anchor: Anchor | null } | Refusal {
    if (!settings.clustered) return { anchor };
    const found = placeKeys('WATCH', words, [...words.keys()].slice(1), settings.hashing, anchor, 'within WATCH');
    return found instanceof Refusal ? found : { anchor: found };
  }

  /**
   * For a client that is pinned to a shard (by its position): null when the request goes there as it is. Slots need not be one,
   * but keys must be the shard's own: elsewhere nobody would find them again. What is blocked stays blocked.
   */
  routePinned(
    words: readonly string[],
    context: RouteContext,
    shard: number,
  ): Extract<Route, { to: 'proxy' | 'session' | 'refuse' }> | null {
    const plan = this.#book.find(words, context);
    if (plan === null) return refused(this.#book.refusal(words));
    if (plan.kind === 'blocked' || plan.kind === 'container') return refused(this.#book.refusal(words));
    const refusal = refusalBefore(plan, words, context);
    if (refusal !== null) return { to: 'refuse', refusal };
    if (plan.kind === 'step') return STEPS_WHEN_PINNED.has(plan.step) ? { to: 'session', step: plan.step } : null;
    if (plan.kind === 'proxy')
      return KEPT_WHEN_PINNED.has(plan.local.name) ? { to: 'proxy', command: plan.local } : null;
    const foreign =
      plan.kind === 'keys' || plan.kind === 'split' ? foreignKey(plan.command, words, context, shard) : null;
    return foreign === null ? null : refused(foreign);
  }
}

/** Words that are wrong for the command are left to the shard to say. */
function foreignKey(
  command: Command,
  words: readonly string[],
  { settings }: RouteContext,
  shard: number,
): Refusal | null {
  if (!settings.clustered || command.group === 'pubsub') return null;
  const positions = keyPositionsOf(command, words);
  if (positions instanceof Refusal) return null;
  for (const at of positions) {
    const slot = settings.hashing.slotOf(words[at]!);
    if (slot === null) return noSlot(words[at]!);
    const owner = settings.slotMap.shardOf(slot);
    if (owner === shard) continue;
    const [theirs, ours] = [settings.shards[owner]!.index, settings.shards[shard]!.index];
    return refuse(
      'ERR',
      `key '${words[at]!.slice(0, 128)}' belongs to shard ${theirs} and this connection is pinned to shard ${ours}: pin it to ${theirs}, or use one that is not pinned`,
    );
  }
  return null;
}

/** Local commands that stay the proxy's even when everything else goes to the pinned shard. */
const KEPT_WHEN_PINNED: ReadonlySet<string> = new Set(
  'AUTH|HELLO|SELECT|CLIENT REPLY|ANTIPODE TOPOLOGY|ACL WHOAMI|ACL LIST|ACL USERS|ACL GETUSER|ACL DRYRUN'.split('|'),
);
const STEPS_WHEN_PINNED: ReadonlySet<SessionStep> = new Set(['QUIT', 'ANTIPODE PIN', 'REPLICATION']);
/** Whatever the rules of a user say. [RS access-control: redis ACL syntax] */
const ALWAYS_PERMITTED: ReadonlySet<SessionStep> = new Set(['MULTI', 'EXEC', 'DISCARD', 'QUIT']);

const refused = (refusal: Refusal): { to: 'refuse'; refusal: Refusal } => ({ to: 'refuse', refusal });

const arityFits = (arity: number, count: number): boolean => (arity >= 0 ? count === arity : count >= -arity);

/** What Redis checks before it looks at the keys: number of words, who asks, what that user may do, whether writes are taken. */
function refusalBefore(
  plan: Exclude<Plan, { kind: 'blocked' | 'container' }>,
  words: readonly string[],
  context: RouteContext,
): Refusal | null {
  switch (plan.kind) {
    case 'proxy':
      if (!arityFits(plan.local.arity, words.length)) return refuse('ARITY', plan.local.name.replace(' ', '|'));
      if (plan.local.unauthenticated) return null;
      return refusalByUser(plan.declared, words, context);
    case 'step':
      if (!arityFits(plan.arity, words.length)) return refuse('ARITY', plan.name);
      if (plan.step === 'QUIT') return null;
      return refusalByUser(ALWAYS_PERMITTED.has(plan.step) ? undefined : plan.declared, words, context);
    case 'keys':
    case 'split':
    case 'whole':
    case 'scan':
    case 'config':
    case 'pinned-only': {
      const { command } = plan;
      if (!arityFits(command.arity, words.length)) return refuse('ARITY', command.fullName);
      const refusal = refusalByUser(command, words, context);
      if (refusal !== null) return refusal;
      const writes = plan.kind === 'keys' ? plan.writes : command.isWrite;
      if (writes && context.settings.readOnly && !isAdmin(context)) return refuse('READONLY');
      return plan.kind === 'config' && plan.sets ? configRefusal(words) : null;
    }
  }
}

/** `command` undefined: nothing that rules could speak of. */
function refusalByUser(
  command: Command | undefined,
  words: readonly string[],
  { account }: RouteContext,
): Refusal | null {
  if (account === null) return refuse('NOAUTH_ENDPOINT');
  const { permissions } = account;
  if (permissions === null || command === undefined) return null;
  const denial = permissions.check(command, words);
  if (denial !== null) return refuse('NOPERM', denialText(denial, account.name, command));
  const which = command.reachesBy?.(words) ?? null;
  if (which === null || permissions.allowsOnEveryKey(command, words, READS)) return null;
  return refuse('ERR', `${which} option of SORT denied due to insufficient ACL permissions.`);
}

const READS = { read: true, write: false } as const;

function everywhere(fold: Fold, words: readonly string[], settings: EndpointSettings, blocking: boolean): Route {
  if (!settings.clustered) return { to: 'shard', shard: ANY_SHARD, blocking };
  const parts = settings.shards.map((_, shard) => ({ shard, words }));
  return { to: 'shards', scattered: { parts, fold }, blocking };
}

function routeByKeys(
  plan: Extract<Plan, { kind: 'keys' }>,
  words: readonly string[],
  settings: EndpointSettings,
): Route {
  const { blocking, keyAt, command } = plan;
  if (!settings.clustered || keyAt === NO_KEY) return { to: 'shard', shard: ANY_SHARD, blocking };
  if (keyAt !== ASK_DECLARATION) {
    const slot = settings.hashing.slotOf(words[keyAt]!);
    if (slot === null) return refused(noSlot(words[keyAt]!));
    return { to: 'shard', shard: settings.slotMap.shardOf(slot), blocking };
  }
  const anchor = placeDeclared(command, words, settings.hashing, null, 'within request');
  if (anchor instanceof Refusal) return refused(anchor);
  return { to: 'shard', shard: anchor === null ? ANY_SHARD : settings.slotMap.shardOf(anchor.slot), blocking };
}

function routeSplit(command: Command, step: number, words: readonly string[], settings: EndpointSettings): Route {
  const { slotMap, hashing } = settings;
  if (!settings.clustered) return { to: 'shard', shard: ANY_SHARD, blocking: false };
  // A key without its value: no shard would take it, any of them says so.
  if ((words.length - 1) % step !== 0) return { to: 'shard', shard: ANY_SHARD, blocking: false };
  if (!settings.multiSlot) {
    const anchor = placeDeclared(command, words, settings.hashing, null, 'within request');
    if (anchor instanceof Refusal) return refused(anchor);
    return { to: 'shard', shard: anchor === null ? ANY_SHARD : slotMap.shardOf(anchor.slot), blocking: false };
  }
  const shardAt: number[] = [];
  let isOne = true;
  for (let at = 1; at < words.length; at += step) {
    const slot = hashing.slotOf(words[at]!);
    if (slot === null) return refused(noSlot(words[at]!));
    const shard = slotMap.shardOf(slot);
    if (shard !== shardAt[0] && shardAt.length > 0) isOne = false;
    shardAt.push(shard);
  }
  if (isOne) return { to: 'shard', shard: shardAt[0]!, blocking: false };
  return { to: 'shards', scattered: splitByKey(words, step, shardAt), blocking: false };
}

function queueKeys(
  command: Command,
  words: readonly string[],
  settings: EndpointSettings,
  anchor: Anchor | null,
): QueuedRoute {
  if (command.group === 'pubsub') {
    // The transaction runs on the shard of its keys, and messages meet at the first.
    return refused(refuse('ERR', `'${words[0]!}' cannot be part of a transaction of a sharded database`));
  }
  const found = placeDeclared(command, words, settings.hashing, anchor, 'within MULTI');
  return found instanceof Refusal ? refused(found) : { to: 'queue', anchor: found };
}
