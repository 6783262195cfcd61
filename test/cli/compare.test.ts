import { expect, it } from 'vitest';
import { runProgram } from '../support/antipode-program.ts';
import { describeReal, startRealRedis } from '../support/real-redis.ts';

describeReal('antipode compare', () => {
  it('tells equal from diverged by its exit code and names the key', async () => {
    await using from = await startRealRedis({ password: 'p@s:/%' });
    await using to = await startRealRedis();
    for (const each of [from, to]) await each.command('MSET', 'a', '1', 'b', '2');
    const equal = await runProgram('compare', '--from', from.url, '--to', to.url);
    expect(equal).toMatchObject({ code: 0, stdout: expect.stringMatching(/^equal\n {2}2 keys compared/), stderr: '' });
    await to.command('SET', 'b', 'tampered');
    const diverged = await runProgram('compare', '--from', from.url, '--to', to.url);
    expect(diverged.code).toBe(1);
    expect(diverged.stdout).toMatch(/^diverged\n/);
    expect(diverged.stdout).toContain('value   "b": string "2" | string "tampered"');
    const { code, stdout } = await runProgram('compare', '--from', from.url, '--to', to.url, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'diverged',
      keys: { from: 2, to: 2 },
      differing: { missing: 0, extra: 0, value: 1, expiry: 0 },
      differences: [{ database: 0, key: 'b', reason: 'value' }],
    });
  });

  it('compares by DUMP where DEBUG is refused, and sees streams that differ', async () => {
    await using from = await startRealRedis({ args: ['--enable-debug-command', 'no'] });
    await using to = await startRealRedis();
    for (const each of [from, to]) {
      await each.command('RPUSH', 'list', 'a', 'b');
      await each.command('XADD', 'stream', '1-1', 'field', 'value');
    }
    expect(await runProgram('compare', '--from', from.url, '--to', to.url)).toMatchObject({ code: 0 });
    await to.command('XADD', 'stream', '1-2', 'field', 'other');
    const different = await runProgram('compare', '--from', from.url, '--to', to.url);
    expect(different).toMatchObject({ code: 1, stdout: expect.stringContaining('stream of 2') });
    await from.command('XADD', 'stream', '1-2', 'field', 'other');
    expect(await runProgram('compare', '--from', from.url, '--to', to.url)).toMatchObject({ code: 0 });
  });

  it('sees streams that differ where DEBUG is allowed', async () => {
    await using from = await startRealRedis();
    await using to = await startRealRedis();
    await from.command('XADD', 'stream', '1-1', 'field', 'value');
    await to.command('XADD', 'stream', '1-1', 'field', 'other');
    const { code, stdout } = await runProgram('compare', '--from', from.url, '--to', to.url);
    expect([code, stdout]).toEqual([1, expect.stringContaining('"stream"')]);
  });

  it('is undecided, exit code 2, when it cannot ask', async () => {
    await using to = await startRealRedis({ password: 'right' });
    const unreachable = await runProgram('compare', '--from', 'redis://127.0.0.1:1', '--to', to.url, '--json');
    expect(unreachable.code).toBe(2);
    expect(JSON.parse(unreachable.stdout)).toMatchObject({
      verdict: 'undecided',
      detail: expect.stringContaining('127.0.0.1:1'),
    });
    const refused = await runProgram('compare', '--from', to.url, '--to', `redis://:wrong@127.0.0.1:${to.port}`);
    expect(refused).toMatchObject({ code: 2, stdout: expect.stringContaining('WRONGPASS') });
    const malformed = await runProgram('compare', '--from', 'localhost:6379', '--to', to.url);
    expect(malformed).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--from: "localhost:6379" is not a URL'),
    });
    const certificate = await runProgram('compare', '--from', to.url, '--to', to.url, '--to-ca', 'package.json');
    expect(certificate).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('package.json holds no certificate'),
    });
  });
});
