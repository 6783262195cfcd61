/**
 * The users of a server in a file of its own, a line each: read as a whole or not at all, replaced as a whole. [redis acl.c ACLLoadFromFile]
 * Border: whose connections end is `shard/permissions.ts`. Limit: the longest file that the world reads at once.
 */

import type { Folder } from '../../world/files.ts';
import type { AccessList } from './access-list.ts';
import type { User } from './user.ts';

export type AclFileOutcome =
  | { readonly ok: true; readonly gone: readonly User[] }
  | { readonly ok: false; readonly detail: string };

export class AclFile {
  readonly #folder: Folder;
  readonly #name: string;

  constructor(folder: Folder, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  get path(): string {
    return `${this.#folder.path}/${this.#name}`;
  }

  /** Makes the users those of the file. */
  async load(users: AccessList): Promise<AclFileOutcome> {
    const bytes = await this.#folder.read(this.#name);
    if (!bytes.ok) return { ok: false, detail: `Error loading ACLs, opening file '${this.path}': ${bytes.detail}` };
    const text = users.read(bytes.value.latin1Slice(), this.path);
    if (text.ok) return { ok: true, gone: users.replace(text.users).gone };
    const note = 'WARNING: ACL errors detected, no change to the previously active ACL rules was performed';
    return { ok: false, detail: [...text.problems, note].join(' ') };
  }

  /** Durable when it is ok. */
  async save(users: AccessList): Promise<AclFileOutcome> {
    const written = await this.#folder.replace(this.#name, Buffer.from(users.text, 'latin1'));
    return written.ok
      ? { ok: true, gone: [] }
      : { ok: false, detail: `There was an error trying to save the ACLs to ${this.path}: ${written.detail}` };
  }
}
