import { Config, encodingLimits } from '../../../src/node/shard/config.ts';

/** The thresholds of a server that was told nothing. */
export const testLimits = encodingLimits(new Config());
