/**
 * UDP of the system world, for DNS and mDNS. A socket that joins a group binds to every address of its port, since a socket
 * bound to one address never hears a group; what it sends to the group still leaves through its own address's interface.
 * Datagrams between partitioned hosts vanish. Limits: a datagram longer than the system takes vanishes too.
 */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { SystemFaults } from './system-faults.ts';
import { listenFailureOf } from './system-errors.ts';
import type { Address, Datagram, DatagramOptions, DatagramOutcome, DatagramSocket } from './world.ts';

export const openDatagrams = (
  at: Address,
  options: DatagramOptions,
  faults: SystemFaults,
  receive: (datagram: Datagram) => void,
): Promise<DatagramOutcome> => {
  const { group } = options;
  const family = isIPv6(at.host) ? 'udp6' : 'udp4';
  const socket = createSocket({ type: family, reuseAddr: group !== undefined });
  return new Promise((resolve) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      socket.close();
      resolve(listenFailureOf(error));
    };
    socket.once('error', refuse);
    const anyHost = family === 'udp6' ? '::' : '0.0.0.0';
    socket.bind({ port: at.port, address: group === undefined ? at.host : anyHost }, () => {
      socket.off('error', refuse);
      try {
        if (group !== undefined) {
          socket.addMembership(group, at.host);
          socket.setMulticastInterface(at.host);
          socket.setMulticastLoopback(true);
        }
      } catch (error) {
        refuse(error as NodeJS.ErrnoException);
        return;
      }
      socket.on('error', () => undefined); // one datagram lost; UDP promises nothing
      const address = { host: at.host, port: socket.address().port };
      socket.on('message', (bytes, from) => {
        if (!faults.blocked(from.address, at.host)) receive({ from: { host: from.address, port: from.port }, bytes });
      });
      let isOpen = true;
      const opened: DatagramSocket = {
        address,
        send: (to, bytes) => {
          if (isOpen && !faults.blocked(at.host, to.host)) socket.send(bytes, to.port, to.host, () => undefined);
        },
        close: () =>
          new Promise((closed) => {
            if (!isOpen) return closed();
            isOpen = false;
            socket.close(() => closed());
          }),
      };
      resolve({ ok: true, socket: opened });
    });
  });
};
