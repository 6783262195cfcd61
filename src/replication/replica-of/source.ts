/** What is said of a source when a Replica Of is configured. */

import type { ClientTls } from '../../world/world.ts';
import type { SourceUrl } from './source-url.ts';

export interface SourceSpec {
  /** Names the source in marks: stable over restarts as long as the list of sources is not edited. */
  readonly key: string;
  readonly url: SourceUrl;
  /** Encryption with the pinned proxy certificate of the source's cluster. Read for each connection: certificates are rotated. */
  readonly tls: ClientTls | null;
  /** Level at which the source's proxy compresses the stream; 0, and absent: not at all. [RS replica-of: compression] */
  readonly compression?: number;
}
