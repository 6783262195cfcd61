/**
 * A cluster of a running sandbox, for scripts. Changes are the ones that REST makes: checked by the same rules, carried out by the
 * same reconciler; a rule that is broken becomes a `ProblemError` with the API's own code.
 */

import type { ControlPlane } from '../cluster/control/control-plane.ts';
import type {
  ApplyOutcome,
  CertificateWish,
  DatabaseEdit,
  DatabaseWish,
  Problem,
  ProblemCode,
  ServicesEdit,
} from '../cluster/state/change.ts';
import { databaseByUid, type MdnsMissing, type NodeRecord } from '../cluster/state/cluster-state.ts';
import type { HttpHandler } from '../world/system-http.ts';
import type { World } from '../world/world.ts';
import type { MdnsMissingConfig } from './options.ts';
import { SandboxDatabase, type DatabaseSurroundings } from './database.ts';

export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: ProblemCode;

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.description}`);
    this.code = problem.code;
  }
}

export interface ClusterDoors {
  /** https://address:port of the REST API; null in a world without HTTPS. */
  readonly apiUrl: string | null;
  readonly uiUrl: string;
}

export class SandboxCluster {
  readonly name: string;
  readonly control: ControlPlane;
  readonly #surroundings: Omit<DatabaseSurroundings, 'control'>;
  readonly #doors: ClusterDoors;
  #handler: Promise<HttpHandler> | null = null;

  constructor(control: ControlPlane, surroundings: Omit<DatabaseSurroundings, 'control'>, doors: ClusterDoors) {
    this.name = control.state.fqdn;
    this.control = control;
    this.#surroundings = surroundings;
    this.#doors = doors;
  }

  get nodes(): readonly NodeRecord[] {
    return this.control.state.nodes;
  }

  get apiUrl(): string | null {
    return this.#doors.apiUrl;
  }

  get uiUrl(): string {
    return this.#doors.uiUrl;
  }

  get username(): string {
    return this.control.state.username;
  }

  get password(): string {
    return this.control.state.password;
  }

  /** PEM: what a destination elsewhere pins. */
  get proxyCertificate(): string {
    return this.control.state.certificates.proxy.certificate;
  }

  /** PEM: what a source elsewhere must trust. */
  get syncerCertificate(): string {
    return this.control.state.certificates.syncer.certificate;
  }

  get databases(): readonly SandboxDatabase[] {
    return this.control.state.databases.map(({ uid }) => this.#handle(uid));
  }

  /** By name or uid. */
  database(which: string | number): SandboxDatabase {
    const { databases } = this.control.state;
    const found = databases.find((each) => each.uid === which || each.name === which);
    if (found !== undefined) return this.#handle(found.uid);
    const known = databases.map((each) => `"${each.name}"`).join(', ') || 'none';
    throw new Error(`${this.name} has no database "${which}"; it has: ${known}`);
  }

  /** Resolves when the database is active. */
  async createDatabase(wish: DatabaseWish): Promise<SandboxDatabase> {
    const { control } = this;
    const outcome = control.submit(control.creation({ memorySizeBytes: 0, ...wish }));
    return this.#handle(await this.#carriedOut(outcome));
  }

  /** Resolves when what follows from the change has been done. */
  async updateDatabase(which: string | number, edit: DatabaseEdit): Promise<SandboxDatabase> {
    const { uid } = this.database(which);
    return this.#handle(await this.#carriedOut(this.control.submit(this.control.edit(uid, edit))));
  }

  /** Destinations that use the old password are cut off. */
  async regeneratePassword(which: string | number): Promise<SandboxDatabase> {
    const { uid } = this.database(which);
    return this.#handle(await this.#carriedOut(this.control.regeneratePassword(uid)));
  }

  /** New connections show them; a rotated proxy certificate must be pinned anew by destinations, a syncer's trusted anew by sources. */
  replaceCertificates(certificates: readonly CertificateWish[]): void {
    const outcome = this.control.replaceCertificates(certificates);
    if (!outcome.ok) throw new ProblemError(outcome.problem);
  }

  /** Turns name services and others on and off; what is not named stays. */
  setServices(services: ServicesEdit): void {
    const outcome = this.control.submit({ kind: 'update-cluster', edit: { services } });
    if (!outcome.ok) throw new ProblemError(outcome.problem);
  }

  /** From now on these cannot resolve names under `.local`; all others can. `{}` gives everybody the means back. */
  setMdnsMissing(missing: MdnsMissingConfig): void {
    const change = { kind: 'set-mdns-missing', ...mdnsMissingOf(missing, this.nodes) } as const;
    const outcome = this.control.submit(change);
    if (!outcome.ok) throw new ProblemError(outcome.problem);
  }

  async deleteDatabase(which: string | number): Promise<void> {
    await this.#carriedOut(this.control.deleteDatabase(this.database(which).uid));
  }

  /** The REST API as a function: the same routes as behind HTTPS. */
  async api(request: Request): Promise<Response> {
    this.#handler ??= this.#loadApi();
    return (await this.#handler)(request);
  }

  /** Asks the REST API as its administrator, JSON in and out. Throws what the API refuses, with its code and words. */
  async rest(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const credentials = Buffer.from(`${this.username}:${this.password}`, 'utf8').toString('base64');
    const response = await this.api(
      new Request(`https://${this.name}${path}`, {
        method,
        headers: { authorization: `Basic ${credentials}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${this.name}: ${method} ${path}: ${response.status}: ${text}`);
    return text === '' ? null : (JSON.parse(text) as unknown);
  }

  /** Loaded at the first request. A simulated world must not let virtual time pass meanwhile. */
  #loadApi(): Promise<HttpHandler> {
    const { world } = this.control;
    const loaded = import('../cluster/api/app.ts').then(({ createApi }) => createApi(this.control));
    return isStoppable(world) ? world.outside(loaded) : loaded;
  }

  #handle(uid: number): SandboxDatabase {
    return new SandboxDatabase(uid, { ...this.#surroundings, control: this.control });
  }

  async #carriedOut(outcome: ApplyOutcome): Promise<number> {
    if (!outcome.ok) throw new ProblemError(outcome.problem);
    await this.control.settled();
    const saved = await this.control.saved();
    if (!saved.ok) throw new Error(`${this.name} cannot keep its state (${saved.why}): ${saved.detail}`);
    const database = databaseByUid(this.control.state, outcome.uid);
    if (database !== undefined && database.trouble !== '') {
      throw new Error(`database "${database.name}" of ${this.name}: ${database.trouble}`);
    }
    return outcome.uid;
  }
}

export const mdnsMissingOf = (
  { nodes = [], clients = false }: MdnsMissingConfig,
  known: readonly NodeRecord[],
): MdnsMissing => ({ nodes: nodes === 'all' ? known.map((node) => node.uid) : nodes, clients });

interface StoppableWorld extends World {
  outside<T>(work: Promise<T>): Promise<T>;
}

const isStoppable = (world: World): world is StoppableWorld => 'outside' in world;
