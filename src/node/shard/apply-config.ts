/** What of a shard follows from its parameters, worked out anew when one changes. */

import { clientBytesMax } from './client-eviction.ts';
import { encodingLimits } from './config.ts';
import { isLfu } from './eviction-policy.ts';
import { outputLimits } from './output-limits.ts';
import type { Shard } from './shard.ts';

export function applyConfig(shard: Shard): void {
  const { config } = shard;
  Object.assign(shard.limits, encodingLimits(config));
  shard.notifications.configure(config.get('notify-keyspace-events'));
  shard.decoderLimits.bulkBytesMax = config.get('proto-max-bulk-len');
  shard.outputLimits = outputLimits(config.get('client-output-buffer-limit'));
  shard.memory.limitBytes = config.get('maxmemory') || Infinity;
  shard.memory.clientBytesMax = clientBytesMax(shard);
  shard.queryBytesMax = config.get('client-query-buffer-limit');
  shard.replicasMin = config.get('min-replicas-max-lag') === 0 ? 0 : config.get('min-replicas-to-write');
  shard.access.isLfu = isLfu(config.get('maxmemory-policy'));
  shard.access.logFactor = config.get('lfu-log-factor');
  shard.access.decayMinutes = config.get('lfu-decay-time');
  shard.latency.thresholdMs = config.get('latency-monitor-threshold');
  shard.commandStats.tracksLatency = config.get('latency-tracking');
  shard.slowlog.configure(config.get('slowlog-log-slower-than'), config.get('slowlog-max-len'));
}
