/**
 * Export and import of a database's whole data, as RDB files in a folder of this machine. [RS requests/bdbs/actions: export, import]
 *
 * An export is a file for each shard, a point in time of each. An import reads every file to its end before anything is touched: a file
 * that is damaged, or has keys that the database cannot hold, leaves the data as they were. Then the database is emptied and filled
 * by ordinary writes, which its replicas see. What a Replica Of brings later overwrites it.
 *
 * Border: what is asked for is checked by the API; an action is kept by `actions.ts`. Limits: one transfer at a time for a database;
 * SOURCES_MAX files; a compressed one may hold COMPRESSED_HOLDS_MAX.
 */

import { gunzipSync } from 'node:zlib';
import type { Shard } from '../../node/shard/shard.ts';
import { SnapshotFile } from '../../node/persistence/snapshot-file.ts';
import { RdbError } from '../../rdb/rdb-error.ts';
import { RdbReader } from '../../rdb/reader.ts';
import type { RdbEntry } from '../../rdb/rdb-entry.ts';
import { snapshotRequest, troubleOf } from '../../replication/replica-of/snapshot-requests.ts';
import { openClient, type RequestClient } from '../../replication/request-client.ts';
import { Failure } from '../../resp/reply.ts';
import { slotRangeText } from '../../sharding/slot-map.ts';
import type { Folder } from '../../world/files.ts';
import type { Milliseconds, World } from '../../world/world.ts';
import { slotMapOf } from '../state/hashing.ts';
import { databaseByUid, type ClusterState, type DatabaseRecord } from '../state/cluster-state.ts';
import type { Action, Actions } from './actions.ts';
import { destinationOf } from './database-routing.ts';

export const SOURCES_MAX = 100;
const PART_BYTES = 256 * 1024;
const COMPRESSED_HOLDS_MAX = 1024 * 1024 * 1024;

type TransferKind = 'export' | 'import';

export interface Transfer {
  readonly kind: TransferKind;
  readonly status: 'exporting' | 'importing' | 'succeeded' | 'failed';
  /** Percent. */
  readonly progress: number;
  /** Why it failed; empty: it did not. */
  readonly failure: string;
  readonly paths: readonly string[];
  readonly endedMs: Milliseconds | null;
}

export interface TransferSurroundings {
  readonly world: World;
  readonly actions: Actions;
  readonly state: () => ClusterState;
  readonly shards: (databaseUid: number) => readonly Shard[];
  readonly flush: (databaseUid: number) => void;
}

/** What ends a transfer, in words for people. */
class TransferFailure extends Error {}

export class DatasetTransfers {
  readonly #around: TransferSurroundings;
  readonly #latest: Readonly<Record<TransferKind, Map<number, Transfer>>> = { export: new Map(), import: new Map() };
  #closed = false;

  constructor(surroundings: TransferSurroundings) {
    this.#around = surroundings;
  }

  latest(kind: TransferKind, databaseUid: number): Transfer | undefined {
    return this.#latest[kind].get(databaseUid);
  }

  isRunning(databaseUid: number): boolean {
    return (['export', 'import'] as const).some((kind) => this.latest(kind, databaseUid)?.endedMs === null);
  }

  /** Forgets how the last one went, unless it is still going on. */
  reset(kind: TransferKind, databaseUid: number): void {
    if (this.latest(kind, databaseUid)?.endedMs !== null) this.#latest[kind].delete(databaseUid);
  }

  /** Files `<database>-<shard>-of-<shards>-<slots>.rdb` in the folder, which is made when it is not there. */
  export(database: DatabaseRecord, path: string): Action {
    return this.#begin('export', database, [path], async (progress) => {
      const folder = this.#around.world.files.folder(path);
      const shards = this.#around.shards(database.uid);
      const ranges = slotMapOf(database.shardsCount, database).ranges();
      for (const [at, shard] of shards.entries()) {
        const name = `${database.name}-${at + 1}-of-${shards.length}-${slotRangeText(ranges[at]!)}.rdb`;
        const written = await new SnapshotFile({ shard, folder, name, isPortable: true }).finished;
        if (!written.ok) throw new TransferFailure(`cannot write ${name} (${written.why}): ${written.detail}`);
        this.#mustExist(database.uid);
        progress((100 * (at + 1)) / shards.length);
      }
    });
  }

  /** Replaces the data by what the files hold together; where two have a key, the later one's counts. */
  import(database: DatabaseRecord, paths: readonly string[]): Action {
    return this.#begin('import', database, paths, async (progress) => {
      const destination = destinationOf(this.#around.state(), database);
      let trouble: string | null = null;
      const check = (entry: RdbEntry): void => void (trouble ??= troubleOf(entry, destination)?.detail ?? null);
      const judge = async (): Promise<void> => {
        if (trouble !== null) throw new TransferFailure(trouble);
      };
      for (const [at, path] of paths.entries()) {
        await this.#read(path, check, judge);
        this.#mustExist(database.uid);
        progress((50 * (at + 1)) / paths.length);
      }
      this.#around.flush(database.uid);
      const filling = new Filling(this.#around.world, destination);
      try {
        for (const [at, path] of paths.entries()) {
          await this.#read(
            path,
            (entry) => filling.add(entry),
            () => filling.written(),
          );
          progress(50 + (50 * (at + 1)) / paths.length);
        }
      } finally {
        filling.close();
      }
    });
  }

  /** What runs comes to nothing. */
  close(): void {
    this.#closed = true;
  }

  #begin(
    kind: TransferKind,
    database: DatabaseRecord,
    paths: readonly string[],
    work: (progress: (percent: number) => void) => Promise<void>,
  ): Action {
    const { actions, world } = this.#around;
    const latest = this.#latest[kind];
    const { uid } = database;
    const action = actions.begin(kind === 'export' ? 'SMExportBDB' : 'SMImportBDB', uid);
    const status = kind === 'export' ? 'exporting' : 'importing';
    const show = (progress: number): void => {
      latest.set(uid, { kind, status, progress, failure: '', paths, endedMs: null });
    };
    show(0);
    actions.move(action.uid, { status: 'active', state: status });
    const end = (failure: string): void => {
      const progress = failure === '' ? 100 : (latest.get(uid)?.progress ?? 0);
      const outcome = failure === '' ? 'succeeded' : 'failed';
      latest.set(uid, { kind, status: outcome, progress, failure, paths, endedMs: world.clock.now() });
      actions.move(
        action.uid,
        failure === '' ? { status: 'completed', progress: 100 } : { status: 'failed', error: failure },
      );
      world.log.event(`${kind}-ended`, { database: uid, failure });
    };
    work((percent) => {
      show(percent);
      actions.move(action.uid, { progress: Math.floor(percent) });
    }).then(
      () => end(''),
      (error: unknown) => {
        if (!isExpected(error)) world.log.event('transfer-defect', { detail: String(error) });
        end(error instanceof Error ? error.message : String(error));
      },
    );
    return action;
  }

  #mustExist(databaseUid: number): void {
    if (this.#closed) throw new TransferFailure('the cluster has ended');
    const database = databaseByUid(this.#around.state(), databaseUid);
    if (database === undefined || database.status === 'delete-pending') {
      throw new TransferFailure(`database ${databaseUid} has been deleted meanwhile`);
    }
  }

  /** Gives the entries of a file in order, each for the length of the call, and waits for `rest` after each part of the file. */
  async #read(path: string, take: (entry: RdbEntry) => void, rest: () => Promise<void>): Promise<void> {
    const at = path.lastIndexOf('/');
    const folder = this.#around.world.files.folder(path.slice(0, at) || '/');
    const name = path.slice(at + 1);
    let libraries = 0;
    const reader = new RdbReader({ entry: take, functionLibrary: () => void libraries++ });
    for await (const part of this.#parts(folder, name, path)) {
      try {
        reader.push(part);
      } catch (error) {
        if (error instanceof RdbError) throw new TransferFailure(`${path}: ${error.message}`);
        throw error;
      }
      await rest();
    }
    if (!reader.done) throw new TransferFailure(`${path}: the file ends before its dump does`);
    if (libraries > 0) this.#around.world.log.event('import-libraries', { path, libraries });
  }

  async *#parts(folder: Folder, name: string, path: string): AsyncGenerator<Buffer> {
    const unreadable = (trouble: { readonly why: string; readonly detail: string }): TransferFailure =>
      new TransferFailure(`cannot read ${path} (${trouble.why}): ${trouble.detail}`);
    if (name.endsWith('.gz')) {
      const read = await folder.read(name);
      if (!read.ok) throw unreadable(read);
      let whole: Buffer;
      try {
        whole = gunzipSync(read.value, { maxOutputLength: COMPRESSED_HOLDS_MAX });
      } catch (error) {
        throw new TransferFailure(`${path} is no gzip file, or holds too much: ${(error as Error).message}`);
      }
      for (let offset = 0; offset < whole.length; offset += PART_BYTES)
        yield whole.subarray(offset, offset + PART_BYTES);
      return;
    }
    for (let offset = 0; ; offset += PART_BYTES) {
      const part = await folder.readPart(name, offset, PART_BYTES);
      if (!part.ok) throw unreadable(part);
      if (part.value.length > 0) yield part.value;
      if (part.value.length < PART_BYTES) return;
    }
  }
}

const isExpected = (error: unknown): boolean => error instanceof TransferFailure;

/** Writes entries to the shards of a database, each by its own connection, and waits for their replies. */
class Filling {
  readonly #world: World;
  readonly #destination: ReturnType<typeof destinationOf>;
  readonly #clients = new Map<number, RequestClient>();
  /** Requests by shard. */
  readonly #waiting = new Map<number, (readonly string[])[]>();

  constructor(world: World, destination: ReturnType<typeof destinationOf>) {
    this.#world = world;
    this.#destination = destination;
  }

  add(entry: RdbEntry): void {
    const target = this.#destination.targetOf(entry.key)!;
    const requests = this.#waiting.get(target) ?? [];
    requests.push(snapshotRequest(entry));
    this.#waiting.set(target, requests);
  }

  /** Resolves when what was added is in the database. */
  async written(): Promise<void> {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    await Promise.all(waiting.map(([target, requests]) => this.#send(target, requests)));
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  async #send(target: number, requests: readonly (readonly string[])[]): Promise<void> {
    const client = this.#clients.get(target) ?? (await this.#open(target));
    const replies = await client.pipeline(requests);
    const failed = replies.findIndex((reply) => reply instanceof Failure);
    if (failed < 0) return;
    const { text } = replies[failed] as Failure;
    throw new TransferFailure(`the key "${requests[failed]![1]}" was refused, the data are incomplete: ${text}`);
  }

  async #open(target: number): Promise<RequestClient> {
    const { address, password } = this.#destination.specs[target]!;
    const opened = await openClient(this.#world, { ...address, username: null, password });
    if (!opened.ok) throw new TransferFailure(`shard ${target} is not reachable (${opened.why}): ${opened.detail}`);
    this.#clients.set(target, opened.client);
    return opened.client;
  }
}
