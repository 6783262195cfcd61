/**
 * Which shard a client asks to be pinned to, and whether it may be: by ANTIPODE PIN, or by a request of replication, which goes to the
 * only shard or to the one that was chosen before. Pure: refusals are thrown.
 */

import { refuse } from '../resp/refusals.ts';
import type { TlsFacts } from '../world/world.ts';
import type { EndpointSettings } from './endpoint-settings.ts';
import { compressionLevel } from './pin.ts';

export interface PinningClient {
  readonly settings: EndpointSettings;
  readonly isAdmin: boolean;
  readonly tls: TlsFacts | null;
}

export interface PinTarget {
  /** Position in the slot map. */
  readonly shard: number;
  /** Everything that the shard says is compressed so much; 0: not at all. */
  readonly level: number;
}

/** `ANTIPODE PIN <index> [COMPRESS <level>]` */
export function pinTarget(words: readonly string[], client: PinningClient): PinTarget {
  const shard = client.settings.shards.findIndex(({ index }) => String(index) === words[2]);
  if (shard < 0) throw refuse('ERR', `this database has no shard ${words[2]!.slice(0, 128)}: ask ANTIPODE TOPOLOGY`);
  if (client.isAdmin) requireTls(client);
  const level = compressionLevel(words);
  if (level > 0 && !client.isAdmin) throw refuse('ERR', 'only replication links are compressed');
  return { shard, level };
}

/** REPLCONF, PSYNC, SYNC; `pinned`: the shard that was chosen before. */
export function replicationTarget(words: readonly string[], client: PinningClient, pinned: number | null): PinTarget {
  requireTls(client);
  const { shards } = client.settings;
  if (shards.length > 1 && pinned === null) {
    const choice = `choose one with ANTIPODE PIN <index> before ${words[0]!.toUpperCase()}`;
    throw refuse('ERR', `this database has ${shards.length} shards: ${choice}`);
  }
  return { shard: pinned ?? 0, level: 0 };
}

function requireTls({ settings, tls }: PinningClient): void {
  if (settings.tlsMode !== 'replica_ssl' || tls !== null) return;
  throw refuse(
    'ERR',
    'this database takes replication connections over TLS only (tls_mode replica_ssl): TLS is required for replication',
  );
}
