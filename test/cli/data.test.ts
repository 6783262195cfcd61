/** `antipode up --data`: what REST has answered survives SIGKILL at any moment; one process at a time; real sockets and a real disk. */

import { request } from 'node:https';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Home } from '../support/program-home.ts';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface ClusterDocument {
  readonly api: string;
  readonly username: string;
  readonly password: string;
}

const ask = (cluster: ClusterDocument, method: string, path: string, body?: object): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body);
    const sent = request(
      `${cluster.api}${path}`,
      {
        method,
        rejectUnauthorized: false,
        auth: `${cluster.username}:${cluster.password}`,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
      },
      (response) => {
        let heard = '';
        response.on('data', (chunk: Buffer) => (heard += chunk.toString()));
        response.once('error', reject);
        response.once('end', () => {
          resolve({ status: response.statusCode ?? 0, body: heard === '' ? null : JSON.parse(heard) });
        });
      },
    );
    sent.once('error', reject);
    sent.end(text);
  });

const clustersOf = (line: string): readonly ClusterDocument[] =>
  (JSON.parse(line) as { clusters: readonly ClusterDocument[] }).clusters;

describe('antipode up --data', () => {
  it('loses nothing that REST has answered when the process is killed under load', async () => {
    await using home = await Home.make();
    const words = ['up', '--json', '--config', await home.config(), '--data', join(home.directory, 'data')];
    const first = home.start(...words);
    const [east] = clustersOf(await first.firstLine);
    const acknowledged = new Map<number, string>();
    const load = async (lane: number): Promise<void> => {
      for (let index = 0; ; index++) {
        const name = `d${lane}-${index}`;
        const body = { name, memory_size: 1_000_000, port: 13_000 + lane * 100 + index };
        const made = await ask(east!, 'POST', '/v1/bdbs', body).catch(() => null);
        if (made === null) return;
        expect(made.status).toBe(200);
        const { uid } = made.body as { uid: number };
        acknowledged.set(uid, name);
        const renamed = await ask(east!, 'PUT', `/v1/bdbs/${uid}`, { name: `${name}-renamed` }).catch(() => null);
        if (renamed === null) return;
        if (renamed.status === 200) acknowledged.set(uid, `${name}-renamed`);
        if (acknowledged.size > 12) first.child.kill('SIGKILL');
      }
    };
    await Promise.all([0, 1, 2].map(load));
    await first.finished;
    expect(acknowledged.size).toBeGreaterThan(12);

    const second = home.start(...words);
    const [again] = clustersOf(await second.firstLine);
    expect(again).toMatchObject({ username: east!.username, password: east!.password });
    const { body } = await ask(again!, 'GET', '/v1/bdbs');
    const found = new Map((body as { uid: number; name: string }[]).map(({ uid, name }) => [uid, name]));
    for (const [uid, name] of acknowledged) {
      // The change under way when it was killed may have happened too.
      expect([name, `${name}-renamed`], `database ${uid}`).toContain(found.get(uid));
    }
    expect((await home.run('status')).stdout).toContain('orders-copy');
    second.child.kill('SIGTERM');
    expect(await second.finished).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('holds clusters already'),
    });
  });

  it('refuses a folder that another process has, with its id and what to do', async () => {
    await using home = await Home.make();
    const data = join(home.directory, 'data');
    const first = home.start('up', '--json', '--config', await home.config(), '--data', data);
    await first.firstLine;
    const second = await home.run('up', '--json', '--config', await home.config(), '--data', data);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(`is held by process ${first.child.pid}`);
    expect(second.stderr).toContain('antipode down');
  });
});
