/**
 * What both worlds promise, as tests: called for the system world and for the simulated one.
 *
 * Nothing here sleeps. That something does *not* happen is shown by a witness: something sent later on a path that is open has
 * arrived.
 */
import { describe } from 'vitest';
import { connectionsContract } from './world-contract-connections.ts';
import { faultsContract } from './world-contract-faults.ts';
import { filesContract } from './world-contract-files.ts';
import type { MakeWorld } from './world-contract-kit.ts';
import { tlsContract } from './world-contract-tls.ts';
import { tlsRulesContract } from './world-contract-tls-rules.ts';

export const worldContract = (name: string, makeWorld: MakeWorld): void => {
  describe(`the ${name} world keeps the contract:`, () => {
    connectionsContract(makeWorld);
    faultsContract(makeWorld);
    tlsContract(makeWorld);
    filesContract(makeWorld);
    tlsRulesContract(makeWorld);
  });
};
