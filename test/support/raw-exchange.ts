/** Raw bytes to a server and everything it answers before it closes, both as binary strings. For byte-exact comparisons. */

import { connect } from 'node:net';

/** Sends the bytes, says that nothing more comes, and collects what the server sends until the connection ends. */
export async function rawExchange(port: number, bytes: string, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, allowHalfOpen: true });
    let received = '';
    socket.setNoDelay(true);
    socket.on('data', (chunk) => (received += chunk.toString('latin1')));
    socket.once('end', () => socket.end());
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // A server that closes with our bytes unread resets the connection; what it said before that counts.
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(received);
      else reject(error);
    });
    socket.once('close', () => resolve(received));
    socket.end(Buffer.from(bytes, 'latin1'));
  });
}
