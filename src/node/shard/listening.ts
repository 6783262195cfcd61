/**
 * Where a shard that stands for itself listens: `port` and `tls-port` at the addresses of `bind`, and `unixsocket`. CONFIG SET moves
 * them while the server runs; what cannot be had leaves everything as it was. [redis server.c listenToPort, changeListenPort, changeBindAddr]
 *
 * Border: a shard of a cluster listens where its node says (`serveShard`). What connects is `resp-server.ts`.
 */

import type { Address, Listener, ListenOptions, ListenOutcome, Network, ServerTls } from '../../world/world.ts';
import { textOf, type FollowOutcome } from './config.ts';
import { PARAMETERS, type Parameter, type ParameterName } from './config-parameters.ts';
import { Reception } from './resp-server.ts';
import type { Shard } from './shard.ts';
import { readTlsFiles } from './tls-files.ts';

export type StartOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: 'tls'; readonly detail: string }
  | {
      readonly ok: false;
      readonly why: Extract<ListenOutcome, { ok: false }>['why'];
      readonly at: Address;
      readonly detail: string;
    };

export interface Place {
  readonly kind: 'tcp' | 'tls' | 'unix';
  readonly address: Address;
}

/** What is listened to now, by port; 0: nothing. */
interface Ports {
  readonly bind: string;
  readonly port: number;
  readonly tlsPort: number;
}

type Failure = Extract<ListenOutcome, { ok: false }> & { readonly at: Address };
type Opened = { readonly ok: true; readonly listeners: readonly Listener[] } | Failure;

/** Redis looks for clients only now and then while it loads, so that nobody sees a short load. [redis.conf loading-process-events-interval-bytes] */
const LOADING_UNSEEN_MS = 250;
const NOWHERE: Ports = { bind: '', port: 0, tlsPort: 0 };
const TLS_TROUBLE = 'Unable to update TLS configuration. Check server logs.';

export class Listening {
  readonly #shard: Shard;
  readonly #network: Network;
  readonly #reception: Reception;
  readonly #open: Record<Place['kind'], readonly Listener[]> = { tcp: [], tls: [], unix: [] };
  #now: Ports = NOWHERE;
  #tls: ServerTls | null = null;
  /** Changes come one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(shard: Shard, network: Network) {
    this.#shard = shard;
    this.#network = network;
    this.#reception = new Reception(shard);
  }

  /** A port of 0 takes a free one when there is no other place where it could be reached. */
  async start(): Promise<StartOutcome> {
    const { config } = this.#shard;
    const path = config.get('unixsocket');
    const wanted = this.#wanted();
    if (wanted.tlsPort > 0) {
      const read = await readTlsFiles(config, this.#shard.world.files);
      if (!read.ok) return { ok: false, why: 'tls', detail: read.detail };
      this.#tls = read.tls;
    }
    const takesAny = wanted.port === 0 && wanted.tlsPort === 0 && path === '';
    const moved = await this.#move(wanted, takesAny);
    if (moved !== null) return moved.failure;
    if (path !== '') {
      const permissions = config.get('unixsocketperm');
      const at = { host: textOf(path), port: 0 };
      const options = permissions === 0 ? {} : { permissions };
      const outcome = await this.#network.listen(at, options, this.#reception.accept);
      if (!outcome.ok) {
        await this.close();
        return { ...outcome, at };
      }
      this.#open.unix = [outcome.listener];
    }
    config.follow = (names) => {
      const turn = this.#turn.then(() => this.#follow(names));
      this.#turn = turn;
      return turn;
    };
    return { ok: true };
  }

  /** Whoever comes is connected, and waits for `letInAfter`. */
  hold(): void {
    this.#reception.hold();
  }

  /** While data are loaded whoever comes waits, but not for long: then clients are told LOADING. */
  async letInAfter(loading: Promise<unknown>): Promise<void> {
    const patience = new Promise<void>((over) => {
      const timer = this.#shard.world.clock.after(LOADING_UNSEEN_MS, over);
      void loading.then(() => timer.cancel());
    });
    await Promise.race([loading, patience]);
    this.#reception.letIn();
  }

  get places(): readonly Place[] {
    return (['tcp', 'tls', 'unix'] as const).flatMap((kind) =>
      this.#open[kind].map(({ address }) => ({ kind, address })),
    );
  }

  /** Listens no more and cuts who is connected; the socket in the file system is gone then. */
  async close(): Promise<void> {
    this.#shard.config.follow = null;
    await this.#turn;
    const closed = this.#closeAll(['tcp', 'tls', 'unix']);
    this.#reception.close();
    await closed;
  }

  #wanted(): Ports {
    const { config } = this.#shard;
    return { bind: config.get('bind'), port: config.get('port'), tlsPort: config.get('tls-port') };
  }

  async #follow(names: readonly ParameterName[]): Promise<FollowOutcome> {
    const { config, world } = this.#shard;
    const wanted = this.#wanted();
    const before = this.#tls;
    const ofTls = names.find((name) => name === 'tls-port' || (PARAMETERS[name] as Parameter).listening === 'tls');
    if (ofTls !== undefined && wanted.tlsPort > 0) {
      const read = await readTlsFiles(config, world.files);
      if (!read.ok) {
        world.log.event('tls-refused', { detail: read.detail });
        return { ok: false, name: ofTls, detail: TLS_TROUBLE };
      }
      this.#tls = read.tls;
    }
    const moved = await this.#move(wanted, false);
    if (moved === null) return { ok: true };
    this.#tls = before;
    world.log.event('listen-refused', { detail: moved.failure.detail });
    const detail =
      moved.name === 'bind'
        ? 'Failed to bind to specified addresses.'
        : 'Unable to listen on this port. Check server logs.';
    return { ok: false, name: moved.name, detail };
  }

  /** Null: it listens there now. Otherwise it listens where it did. */
  async #move(
    wanted: Ports,
    takesAny: boolean,
  ): Promise<{ readonly name: 'bind' | 'port' | 'tls-port'; readonly failure: Failure } | null> {
    const before = this.#now;
    const rebinds = wanted.bind !== before.bind;
    // Addresses may overlap: what is there goes first, and comes back when the other cannot be had
    if (rebinds) await this.#closeAll(['tcp', 'tls']);
    const movesPort = rebinds || wanted.port !== before.port;
    const movesTls = rebinds || wanted.tlsPort !== before.tlsPort;
    const tcp = movesPort ? await this.#openAll('tcp', wanted.bind, wanted.port, takesAny) : null;
    const tls = movesTls && tcp?.ok !== false ? await this.#openAll('tls', wanted.bind, wanted.tlsPort, false) : null;
    if (tcp?.ok === false || tls?.ok === false) {
      if (tcp?.ok === true) await closeEvery(tcp.listeners);
      if (rebinds) await this.#reopen(before);
      const failed = tcp?.ok === false ? tcp : (tls as Failure);
      return { name: rebinds && before !== NOWHERE ? 'bind' : failed === tcp ? 'port' : 'tls-port', failure: failed };
    }
    const old = [...(tcp === null ? [] : this.#open.tcp), ...(tls === null ? [] : this.#open.tls)];
    if (tcp !== null) this.#open.tcp = tcp.listeners;
    if (tls !== null) this.#open.tls = tls.listeners;
    if (!rebinds) await closeEvery(old);
    const free = takesAny ? this.#open.tcp[0]?.address.port : undefined;
    if (free !== undefined) this.#shard.config.note('port', free);
    this.#now = free === undefined ? wanted : { ...wanted, port: free };
    this.#tellAddress();
    return null;
  }

  async #reopen(before: Ports): Promise<void> {
    for (const [kind, port] of [
      ['tcp', before.port],
      ['tls', before.tlsPort],
    ] as const) {
      const opened = await this.#openAll(kind, before.bind, port, false);
      this.#open[kind] = opened.ok ? opened.listeners : [];
      if (!opened.ok) this.#shard.world.log.event('listen-refused', { detail: opened.detail });
    }
    this.#tellAddress();
  }

  #tellAddress(): void {
    this.#shard.address = this.#open.tcp[0]?.address ?? this.#open.tls[0]?.address ?? null;
  }

  async #closeAll(kinds: readonly Place['kind'][]): Promise<void> {
    const open = kinds.flatMap((kind) => this.#open[kind]);
    for (const kind of kinds) this.#open[kind] = [];
    await closeEvery(open);
  }

  /** At every address of `bind`, or at none. */
  async #openAll(kind: 'tcp' | 'tls', bind: string, port: number, takesAny: boolean): Promise<Opened> {
    const listeners: Listener[] = [];
    if (port === 0 && !takesAny) return { ok: true, listeners };
    for (const each of bind.split(' ').filter((word) => word !== '')) {
      const isOptional = each.startsWith('-');
      const host = hostOf(isOptional ? each.slice(1) : each);
      const options: ListenOptions = {
        onlyIpv6: host.includes(':'),
        ...(kind === 'tls' ? { tls: () => this.#tls } : {}),
      };
      const at = { host, port: listeners[0]?.address.port ?? port };
      const outcome = await this.#network.listen(at, options, this.#reception.accept);
      if (outcome.ok) listeners.push(outcome.listener);
      // Whoever takes any port has not asked for the one that was free at the first address
      else if (!(isOptional && (outcome.why === 'unavailable' || (port === 0 && outcome.why === 'in-use')))) {
        await closeEvery(listeners);
        return { ...outcome, at };
      }
    }
    return { ok: true, listeners };
  }
}

const closeEvery = async (listeners: readonly Listener[]): Promise<void> => {
  for (const listener of listeners) await listener.close();
};

/** Stars stand for every address of their kind. */
const hostOf = (word: string): string => (word === '*' ? '0.0.0.0' : word === '::*' ? '::' : word);
