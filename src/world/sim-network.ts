/**
 * The simulated network's face: the same promises as on real sockets, kept in virtual time. Every view (`from`) shares one fabric.
 *
 * Names come from sources only; a literal address answers itself. Any literal address may be listened on.
 * Border: opening a connection is `sim-dial.ts`, its life `sim-connection.ts`, UDP `sim-datagrams.ts`.
 */
import { dialAddresses } from './dial-addresses.ts';
import { resolutionOf } from './names.ts';
import { dial } from './sim-dial.ts';
import { ANY_HOST } from './sim-fabric.ts';
import type { SimFabric } from './sim-fabric.ts';
import { SimDatagrams } from './sim-datagrams.ts';
import { isLiteralAddress } from './verify-peer.ts';
import { addressText, isSocketPath } from './world.ts';
import type {
  Address,
  Connection,
  ConnectOptions,
  ConnectOutcome,
  Datagram,
  DatagramOptions,
  DatagramOutcome,
  Faults,
  ListenOptions,
  ListenOutcome,
  NameSource,
  Network,
  Resolution,
} from './world.ts';

/** Where connections come from that were not dialled `from` an address. */
const DEFAULT_HOST = '127.0.0.1';
const PORT_MAX = 65_535;

export class SimNetwork implements Network {
  readonly faults: Faults;
  readonly #fabric: SimFabric;
  readonly #datagrams: SimDatagrams;
  readonly #host: string;

  constructor(fabric: SimFabric, datagrams = new SimDatagrams(fabric), host: string = DEFAULT_HOST) {
    this.#fabric = fabric;
    this.#datagrams = datagrams;
    this.#host = host;
    this.faults = fabric;
  }

  from(host: string): SimNetwork {
    return new SimNetwork(this.#fabric, this.#datagrams, host);
  }

  listen(at: Address, options: ListenOptions, accept: (connection: Connection) => void): Promise<ListenOutcome> {
    return this.#inAnEvent(() => {
      const { listening } = this.#fabric;
      if (isSocketPath(at.host)) {
        return { ok: false, why: 'unavailable', detail: `${at.host}: sockets in the file system are not simulated` };
      }
      if (!isLiteralAddress(at.host)) return { ok: false, why: 'unavailable', detail: `${at.host} is not an address` };
      const port = at.port === 0 ? this.#fabric.takePort(at.host) : at.port;
      const address = { host: at.host, port };
      for (const other of listening.values()) {
        const overlaps = other.address.host === at.host || other.address.host === ANY_HOST || at.host === ANY_HOST;
        if (other.address.port === port && overlaps) {
          return { ok: false, why: 'in-use', detail: `${addressText(other.address)} is in use` };
        }
      }
      const entry = { address, options, accept };
      listening.set(addressText(address), entry);
      this.#fabric.note(`listen ${addressText(address)}`);
      const close = (): Promise<void> =>
        this.#inAnEvent(() => {
          if (listening.get(addressText(address)) !== entry) return;
          listening.delete(addressText(address));
          this.#fabric.releasePort(address);
          this.#fabric.note(`unlisten ${addressText(address)}`);
        });
      return { ok: true, listener: { address, close } };
    });
  }

  async connect(to: Address, options: ConnectOptions): Promise<ConnectOutcome> {
    const { queue } = this.#fabric;
    if (!(Number.isInteger(to.port) && to.port > 0 && to.port <= PORT_MAX)) {
      return { ok: false, why: 'unreachable', detail: `${to.port} is not a port` };
    }
    const deadline = queue.elapsed() + options.timeoutMs;
    const found = await this.resolve(to.host);
    if (!found.ok) return { ok: false, why: 'unresolved', detail: found.detail };
    return dialAddresses(
      to.host,
      found.addresses,
      () => deadline - queue.elapsed(),
      (host, timeoutMs) => {
        const request = { origin: this.#host, to: { host, port: to.port }, tls: options.tls ?? null, timeoutMs };
        return new Promise<ConnectOutcome>((resolve) => dial(this.#fabric, request, resolve));
      },
    );
  }

  resolve(name: string): Promise<Resolution> {
    return this.#inAnEvent(() => {
      if (isLiteralAddress(name)) return { ok: true, addresses: [name] };
      return resolutionOf(name, this.#fabric.names.resolve(name, this.#host) ?? []);
    });
  }

  addNames(source: NameSource): () => void {
    return this.#fabric.names.add(source);
  }

  datagrams(at: Address, options: DatagramOptions, receive: (datagram: Datagram) => void): Promise<DatagramOutcome> {
    return this.#inAnEvent(() => this.#datagrams.open(at, options, receive));
  }

  /** What a real network does later happens later here too, and in the order of asking. */
  #inAnEvent<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#fabric.queue.soon(() => resolve(work()));
    });
  }
}
