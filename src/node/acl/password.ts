/** Passwords of users: only their SHA-256 is kept, in hex [redis acl.c ACLHashPassword]. Pure; passwords are binary strings. */

import { hash } from 'node:crypto';

/** Fast on purpose: AUTH is answered within the turn, as Redis does. */
export const passwordHash = (password: string): string => hash('sha256', Buffer.from(password, 'latin1'), 'hex');

/** What `#hash` may say. */
export const isPasswordHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);
