/**
 * Who asks: HTTP Basic with email or name and a password, or a JSON Web Token that /v1/users/authorize gave. Who fails too often is
 * locked out for a while, as the cluster's policy says. [RS rest-api: authentication] [RS login-lockout]
 *
 * What is kept here is seen, not decided: failures and locks are forgotten when the program ends. Tokens are signed with a key that
 * follows from the cluster's internal password, so they outlive the program as long as the state does.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import jsonwebtoken from 'jsonwebtoken';
import type { ControlPlane } from '../control/control-plane.ts';
import { passwordOf } from '../control/secrets.ts';
import { userByLogin, type UserRecord } from '../state/accounts.ts';
import { passwordExpiresMs } from '../state/password-rules.ts';
import { ApiProblem } from './problems.ts';

const LOGIN_LENGTH_MAX = 4_096;
/** Compared with when there is no such user, so that the answer takes as long. */
const NO_HASH = '0'.repeat(64);

interface Failures {
  count: number;
  lastMs: number;
  /** Null: not locked; Infinity: until somebody releases the user. */
  lockedUntilMs: number | null;
}

export class Logins {
  readonly #control: ControlPlane;
  /** By uid of the user; at most as many as there are users. */
  readonly #failures = new Map<number, Failures>();

  constructor(control: ControlPlane) {
    this.#control = control;
  }

  /** The user that the header Authorization names and proves; throws the refusal. `isForExpired`: an expired password will do. */
  userOf(authorization: string | undefined, isForExpired: boolean): UserRecord {
    const [, scheme = '', credentials = ''] = /^(Basic|JWT|Bearer) +(\S+)$/i.exec(authorization ?? '') ?? [];
    if (credentials.length > LOGIN_LENGTH_MAX) throw new ApiProblem('unauthorized', 'the login is too long');
    switch (scheme.toLowerCase()) {
      case 'basic': {
        const text = Buffer.from(credentials, 'base64').toString('utf8');
        const colon = text.indexOf(':');
        if (colon < 0) throw new ApiProblem('unauthorized', 'Basic authentication is user:password in base64');
        return this.byPassword(text.slice(0, colon), text.slice(colon + 1), isForExpired);
      }
      case 'jwt':
      case 'bearer':
        return this.#byToken(credentials, isForExpired);
      default:
        throw new ApiProblem(
          'unauthorized',
          'log in by HTTP Basic authentication, or with a token: Authorization: JWT <token>',
        );
    }
  }

  byPassword(login: string, password: string, isForExpired: boolean): UserRecord {
    const user = userByLogin(this.#control.state.accounts, login);
    const { hash } = passwordOf(password);
    const isRight = (user?.passwordHashes ?? [NO_HASH]).map((known) => isSame(known, hash)).includes(true);
    if (user === undefined) throw new ApiProblem('unauthorized', 'user or password is wrong');
    if (this.isLocked(user.uid)) {
      throw new ApiProblem(
        'user_locked',
        `user "${user.name}" is locked after too many wrong passwords; wait, or have an administrator set a new password`,
      );
    }
    if (!isRight) {
      this.#failed(user);
      throw new ApiProblem('unauthorized', 'user or password is wrong');
    }
    this.#failures.delete(user.uid);
    this.#checkExpiry(user, isForExpired);
    return user;
  }

  isLocked(uid: number): boolean {
    const until = this.#failures.get(uid)?.lockedUntilMs ?? null;
    return until !== null && this.#now < until;
  }

  release(uid: number): void {
    this.#failures.delete(uid);
  }

  token({ uid }: UserRecord, ttlSeconds: number): string {
    const iat = Math.floor(this.#now / 1_000);
    return jsonwebtoken.sign({ uid: String(uid), iat }, this.#key, { algorithm: 'HS256', expiresIn: ttlSeconds });
  }

  #byToken(token: string, isForExpired: boolean): UserRecord {
    let uid: unknown;
    try {
      const payload = jsonwebtoken.verify(token, this.#key, {
        algorithms: ['HS256'],
        clockTimestamp: Math.floor(this.#now / 1_000),
      });
      uid = typeof payload === 'object' ? payload['uid'] : null;
    } catch (error) {
      throw new ApiProblem(
        'unauthorized',
        `the token is not valid: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    const user = this.#control.state.accounts.users.find((each) => String(each.uid) === uid);
    if (user === undefined) throw new ApiProblem('unauthorized', 'the user of the token is gone');
    this.#checkExpiry(user, isForExpired);
    return user;
  }

  #failed(user: UserRecord): void {
    const { login_lockout_threshold, login_lockout_counter_reset_after, login_lockout_duration } =
      this.#control.state.settings;
    const now = this.#now;
    const before = this.#failures.get(user.uid);
    const goesOn = before !== undefined && now - before.lastMs < login_lockout_counter_reset_after * 1_000;
    const count = goesOn && before.lockedUntilMs === null ? before.count + 1 : 1;
    const isOver = login_lockout_threshold > 0 && count >= login_lockout_threshold;
    const duration = login_lockout_duration === 0 ? Infinity : login_lockout_duration * 1_000;
    this.#failures.set(user.uid, { count, lastMs: now, lockedUntilMs: isOver ? now + duration : null });
    const fields = { user_uid: user.uid, name: user.name, failures: count };
    this.#control.events.add({
      atMs: now,
      type: isOver ? 'user_locked' : 'user_login_failed',
      severity: 'WARNING',
      fields,
    });
  }

  #checkExpiry(user: UserRecord, isForExpired: boolean): void {
    const expires = passwordExpiresMs(this.#control.state.settings, user.passwordIssuedMs);
    if (isForExpired || expires === null || this.#now < expires) return;
    throw new ApiProblem(
      'password_expired',
      `the password of "${user.name}" has expired; replace it by PUT /v1/users/password`,
    );
  }

  get #now(): number {
    return this.#control.world.clock.now();
  }

  get #key(): string {
    return createHash('sha256').update(`tokens ${this.#control.state.internalPassword}`, 'utf8').digest('hex');
  }
}

/** Hashes have one length, so that comparing them tells nothing. */
const isSame = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));
