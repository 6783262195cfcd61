/** Fills a server with one of the loads that memory is measured by, over one connection. */

import type { Client } from './client.ts';
import { MEMORY_LOADS, type MemoryLoad } from './memory-loads.ts';

/** So many requests are on their way at a time. */
const PIPELINE = 200;

export const askAll = async (client: Client, requests: Iterable<readonly string[]>): Promise<void> => {
  let asked: Promise<unknown>[] = [];
  for (const words of requests) {
    asked.push(client.ask(...words));
    if (asked.length < PIPELINE) continue;
    await Promise.all(asked);
    asked = [];
  }
  await Promise.all(asked);
};

export const fillWith = (client: Client, load: MemoryLoad, elements: number): Promise<void> =>
  askAll(client, MEMORY_LOADS[load](elements));
