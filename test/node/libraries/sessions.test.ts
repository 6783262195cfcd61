/** express-session with connect-redis, over HTTP: what a visitor is remembered by lives in a shard. */

import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import { createClient } from 'redis';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { servedShard } from '../../support/served-shard.ts';

const COOKIE_MS = 60_000;

const clientOf = (port: number) => createClient({ socket: { host: '127.0.0.1', port } });

type Visited = IncomingMessage & {
  readonly session: session.Session & { visits?: number };
  readonly sessionStore: session.Store;
};

interface Site extends AsyncDisposable {
  /** Asks for a page; the cookie that came is sent with the next request. */
  visit(path: string, cookie?: string): Promise<{ readonly body: string; readonly cookie: string }>;
  readonly store: RedisStore;
  readonly redis: ReturnType<typeof clientOf>;
}

/** A site that counts visits, and forgets a visitor at /leave. */
async function site(port: number, maxAgeMs = COOKIE_MS): Promise<Site> {
  const redis = clientOf(port);
  redis.on('error', () => undefined);
  await redis.connect();
  const store = new RedisStore({ client: redis });
  const remember = session({
    store,
    secret: 'a secret of the test',
    resave: false,
    saveUninitialized: false,
    cookie: { maxAge: maxAgeMs },
  });
  type Handler = Parameters<typeof remember>;
  const server = createServer((request, response) => {
    remember(request as Handler[0], response as Handler[1], (error?: unknown) => {
      if (error !== undefined) return void response.writeHead(500).end();
      const visited = request as Visited;
      if (request.url === '/leave') return void visited.session.destroy(() => response.end('gone'));
      visited.session.visits = (visited.session.visits ?? 0) + 1;
      response.end(String(visited.session.visits));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    store,
    redis,
    async visit(path, cookie = '') {
      const reply = await fetch(url + path, { headers: { cookie, connection: 'close' } });
      const set = reply.headers.getSetCookie()[0]?.split(';')[0];
      return { body: await reply.text(), cookie: set ?? cookie };
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
      redis.destroy();
    },
  };
}

describe('sessions in a shard', () => {
  it('are found again by another server of the site, and gone when they are destroyed', async () => {
    await using shard = await servedShard();
    await using first = await site(shard.port);
    await using second = await site(shard.port);
    const { body, cookie } = await first.visit('/');
    expect(body).toBe('1');
    expect((await second.visit('/', cookie)).body).toBe('2');
    expect((await first.visit('/', cookie)).body).toBe('3');
    expect((await first.visit('/')).body).toBe('1');
    expect(await first.store.length()).toBe(2);
    expect((await first.visit('/leave', cookie)).body).toBe('gone');
    expect((await second.visit('/', cookie)).body).toBe('1');
  });

  it('live as long as their cookie, from the last visit on', async () => {
    await using shard = await servedShard();
    await using lasting = await site(shard.port);
    const { cookie } = await lasting.visit('/');
    const [id] = (await lasting.store.ids()) as string[];
    await lasting.redis.expire(`sess:${id}`, 5);
    await lasting.visit('/', cookie);
    expect(await lasting.redis.ttl(`sess:${id}`)).toBeGreaterThan(COOKIE_MS / 1_000 - 10);

    await using short = await site(shard.port, 900);
    await short.visit('/');
    await eventually(async () => (await short.store.length()) === 1, {
      withinMs: 10_000,
      what: 'the session has expired',
    });
    expect(await short.store.ids()).toEqual([id]);
  });

  it('are listed and cleared, however many there are', async () => {
    await using shard = await servedShard();
    await using crowded = await site(shard.port);
    const cookie = new session.Cookie();
    const ids = Array.from({ length: 500 }, (_, at) => `visitor ${at}`);
    await Promise.all(ids.map((id) => crowded.store.set(id, { cookie })));
    expect(((await crowded.store.ids()) as string[]).toSorted()).toEqual(ids.toSorted());
    expect(await crowded.store.all()).toHaveLength(500);
    await crowded.redis.set('something else', 'x');
    await crowded.store.clear();
    expect(await crowded.store.length()).toBe(0);
    expect(await crowded.redis.keys('*')).toEqual(['something else']);
  });
});
