/**
 * UDP of the simulated network: single datagrams and multicast groups, lost by chance when the world says so, lost for certain in a
 * partition, and not kept in order. Limits: `DATAGRAM_BYTES_MAX`; a longer one vanishes.
 */
import { ANY_HOST } from './sim-fabric.ts';
import type { SimFabric } from './sim-fabric.ts';
import { addressText } from './world.ts';
import type { Address, Datagram, DatagramOptions, DatagramOutcome, DatagramSocket } from './world.ts';

const DATAGRAM_BYTES_MAX = 65_507;

interface OpenSocket {
  readonly address: Address;
  readonly group: string | null;
  readonly receive: (datagram: Datagram) => void;
}

export class SimDatagrams {
  readonly #fabric: SimFabric;
  readonly #open = new Set<OpenSocket>();

  constructor(fabric: SimFabric) {
    this.#fabric = fabric;
  }

  open(at: Address, options: DatagramOptions, receive: (datagram: Datagram) => void): DatagramOutcome {
    const group = options.group ?? null;
    const address = { host: at.host, port: at.port === 0 ? this.#fabric.takePort(at.host) : at.port };
    // Members of a group share its port, as address reuse lets them.
    const isTaken = [...this.#open].some(
      (other) => addressText(other.address) === addressText(address) && (group === null || other.group === null),
    );
    if (isTaken) return { ok: false, why: 'in-use', detail: `${addressText(address)} is in use` };
    const entry: OpenSocket = { address, group, receive };
    this.#open.add(entry);
    const socket: DatagramSocket = {
      address,
      send: (to, bytes) => {
        if (this.#open.has(entry)) this.#send(entry, to, Buffer.from(bytes));
      },
      close: () => {
        if (this.#open.delete(entry)) this.#fabric.releasePort(address);
        return Promise.resolve();
      },
    };
    return { ok: true, socket };
  }

  #send(from: OpenSocket, to: Address, bytes: Buffer): void {
    const { host, port } = from.address;
    this.#fabric.note(`datagram ${addressText(from.address)} ${addressText(to)} ${bytes.length}`);
    if (bytes.length > DATAGRAM_BYTES_MAX) return;
    for (const member of [...this.#open].filter((socket) => reaches(socket, to))) {
      const { datagramLoss, random } = this.#fabric;
      if (datagramLoss > 0 && random.unit() < datagramLoss) continue;
      this.#fabric.cast(host, member.address.host, () => {
        if (this.#open.has(member)) member.receive({ from: { host, port }, bytes: Buffer.from(bytes) });
      });
    }
  }
}

const reaches = (socket: OpenSocket, to: Address): boolean => {
  if (socket.address.port !== to.port) return false;
  return socket.group === to.host || socket.address.host === to.host || socket.address.host === ANY_HOST;
};
