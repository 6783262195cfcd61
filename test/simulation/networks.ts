/** Networks that stand between the engine and the simulated one, to plant a fault at an exact place. */

import { RequestDecoder } from '../../src/resp/request-decoder.ts';
import { encodeRequest } from '../../src/resp/reply.ts';
import type { Connection, ConnectionHandler, Network } from '../../src/world/world.ts';

/** The same network, whose connections to hosts beginning with a prefix are dressed. */
function dressed(network: Network, prefix: string, dress: (connection: Connection) => Partial<Connection>): Network {
  const connect: Network['connect'] = async (to, options) => {
    const outcome = await network.connect(to, options);
    if (!outcome.ok || !to.host.startsWith(prefix)) return outcome;
    const { connection } = outcome;
    const own = dress(connection);
    return { ok: true, connection: overlay(connection, own) };
  };
  return overlay(network, { connect });
}

function overlay<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get(each, property) {
      if (property in own) return own[property as keyof T];
      const value = Reflect.get(each, property, each) as unknown;
      return typeof value === 'function' ? (value.bind(each) as unknown) : value;
    },
  });
}

const DATA_WRITES = new Set([
  'SET',
  'INCR',
  'INCRBY',
  'APPEND',
  'RPUSH',
  'LPUSH',
  'SADD',
  'HINCRBY',
  'ZINCRBY',
  'DEL',
  'MSET',
  'RENAME',
]);

/** Replaces every n-th write on its way to the destination by one that does nothing. */
export function dropping(network: Network, prefix: string, every: number): Network {
  let count = 0;
  return dressed(network, prefix, (connection) => ({
    write(bytes) {
      const decoder = new RequestDecoder();
      decoder.push(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes));
      let out = '';
      for (let words = decoder.next(); words !== null; words = decoder.next()) {
        out +=
          DATA_WRITES.has(words[0]!) && ++count % every === 0 ? encodeRequest(['EXISTS', 'k']) : encodeRequest(words);
      }
      return connection.write(out);
    },
  }));
}

export interface ByteCut {
  /** Bytes that passed in the direction looked at, over all connections. */
  passed: number;
  /** After how many bytes the connection that carries the next one is cut; once. */
  readonly at: number;
  done: boolean;
}

/** Cuts what the engine receives from hosts with a prefix after an exact number of bytes. */
export function cuttingInput(network: Network, prefix: string, cut: ByteCut): Network {
  return dressed(network, prefix, (connection) => {
    let isCut = false;
    return {
      handle(handler: ConnectionHandler) {
        connection.handle({
          ...(handler.drained && { drained: () => handler.drained!() }),
          closed: (reason) => handler.closed(reason),
          data: (chunk) => {
            if (isCut) return;
            const left = cut.at - cut.passed;
            if (cut.done || chunk.length <= left) {
              cut.passed += chunk.length;
              handler.data(chunk);
              return;
            }
            isCut = cut.done = true;
            cut.passed = cut.at;
            if (left > 0) handler.data(chunk.subarray(0, left));
            connection.destroy();
          },
        });
      },
    };
  });
}

/** Cuts what the engine sends to hosts with a prefix after an exact number of bytes. */
export function cuttingOutput(network: Network, prefix: string, cut: ByteCut): Network {
  return dressed(network, prefix, (connection) => {
    let isCut = false;
    return {
      write(given) {
        const bytes = typeof given === 'string' ? given : Buffer.from(given).latin1Slice();
        if (isCut) return true;
        const left = cut.at - cut.passed;
        if (cut.done || bytes.length <= left) {
          cut.passed += bytes.length;
          return connection.write(bytes);
        }
        isCut = cut.done = true;
        cut.passed = cut.at;
        if (left > 0) connection.write(bytes.slice(0, left));
        connection.end(); // what was written arrives, nothing after it
        return true;
      },
    };
  });
}
